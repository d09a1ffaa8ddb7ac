/** Alles, was die Seite sagt, auf Deutsch. */
export default {
  "page.title": "Welche Rasse ist dieser Hund?",
  "page.description": "Zieh ein Foto von einem Hund auf die Seite und lies seine Rasse.",
  "page.language": "Sprache",
  "page.no_language": "Diese Sprache konnte nicht geladen werden. Bitte versuche es noch einmal, sobald du verbunden bist.",

  "intake.lead": "Wähle ein Foto oder einen ganzen Ordner und lies die Antwort.",
  "intake.photos": "Fotos wählen",
  "intake.folder": "Ordner wählen",
  "intake.hint":
    "Du kannst Fotos auch irgendwo auf diese Seite ziehen oder eines einfügen. Fotos werden gelesen und nicht aufbewahrt.",
  "intake.drop": "Loslassen, um die Rasse zu lesen",
  "intake.left_out": {
    one: "Eine Datei wurde ausgelassen: Sie ist kein Foto.",
    other: "{count} Dateien wurden ausgelassen: Sie sind keine Fotos.",
  },
  "intake.no_photos": "In deiner Auswahl ist kein Foto. Bitte wähle JPEG-, PNG- oder WebP-Dateien.",

  "readiness.loading":
    "Das Modell lädt noch. Du kannst schon Fotos wählen: Sie werden gelesen, sobald es bereit ist.",
  "readiness.unreachable":
    "Der Dienst antwortet noch nicht. Diese Seite versucht es weiter: Fotos, die du jetzt wählst, werden gelesen, sobald er es tut.",

  "progress.label": "Fortschritt",
  "progress.read": "{read} von {total} gelesen",
  "progress.failed": "{count} fehlgeschlagen",
  "progress.cancelled": "{count} abgebrochen",
  "progress.finished": "Fertig: {progress}.",
  "progress.cancel": "Abbrechen",
  "progress.retry": "{count} noch einmal versuchen",
  "progress.clear": "Alle entfernen",
  "list.comma": ", ",

  "cards.label": "Fotos und ihre Rassen",
  "card.waiting": "Wartet",
  "card.reading": "Wird gelesen …",
  "card.not_read": "Nicht gelesen",
  "card.cancelled": "Du hast abgebrochen, bevor dieses Foto gelesen war.",
  "card.sure": "Zu {share} sicher",
  "card.perhaps": "Vielleicht: {breed}",
  "card.unsure": "Nur zu {share} sicher: Sieh dir auch die anderen Rassen an.",
  "card.no_dog": "Das sieht nicht nach einem Hund aus.",
  "card.if_dog": "Falls doch, passt am ehesten diese Rasse: {breed}.",
  "card.retry": "Noch einmal versuchen",
  "card.announcement": "{file}: {headline}. {remark}",
  "card.announcement_sentence": "{file}: {headline} {remark}",

  "explain.show": "Zeigen, wohin es sah",
  "explain.hide": "Nur das Foto zeigen",
  "explain.looking": "Sieht noch einmal hin …",
  "explain.failed": "Das ließ sich nicht zeigen. Noch einmal versuchen",

  "model.version": "{name}, Version {version}",
  "model.about": {
    one: "Die Antworten kommen von {model}; es kennt eine Rasse.",
    other: "Die Antworten kommen von {model}; es kennt {count} Rassen.",
  },
  "model.tested": {
    one: "Bei einem Testfoto lag es zu {share} richtig.",
    other: "Bei {count} Testfotos lag es zu {share} richtig.",
  },

  "problem.refused": "Das Foto wurde nicht angenommen. Bitte wähle es noch einmal.",
  "problem.gone": "Der Dienst wurde hier nicht gefunden. Bitte lade die Seite neu und versuche es dann noch einmal.",
  "problem.too_large": "Dieses Foto ist zu groß. Bitte wähle eine kleinere Fassung davon.",
  "problem.not_a_photo": "Diese Datei ist kein Foto einer bekannten Art. Bitte wähle ein JPEG, PNG oder WebP.",
  "problem.damaged":
    "Dieses Foto ist beschädigt oder unvollständig. Bitte speichere oder lade es noch einmal und wähle dann die neue Datei.",
  "problem.busy": "Gerade sind es zu viele Fotos auf einmal.",
  "problem.not_ready": "Das Modell ist nicht bereit.",
  "problem.slow": "Die Antwort hat zu lange gedauert. Bitte versuche es noch einmal.",
  "problem.offline": "Du bist offline. Bitte verbinde dich und versuche es dann noch einmal.",
  "problem.unreachable":
    "Der Dienst antwortet nicht. Bitte prüfe deine Verbindung und versuche es dann noch einmal.",
  "problem.bad_answer": "Der Dienst hat eine Antwort geschickt, die keinen Sinn ergibt. Bitte versuche es noch einmal.",
  "problem.broken":
    "Hier ist etwas schiefgegangen. Bitte versuche es noch einmal; geschieht es wieder, sag es den Betreibern dieser Seite.",
  "problem.again_in": {
    one: "Bitte versuche es in {count} Sekunde noch einmal.",
    other: "Bitte versuche es in {count} Sekunden noch einmal.",
  },
  "problem.again_soon": "Bitte versuche es gleich noch einmal.",

  "size.small": "klein",
  "size.medium": "mittelgroß",
  "size.large": "groß",
  "size.giant": "sehr groß",
  "size.varied": "von klein bis groß",

  "group.spaniel": "Spaniel",
  "group.retriever": "Retriever",
  "group.setter": "Vorstehhund oder Setter",
  "group.water": "Wasserhund",
  "group.terrier": "Terrier",
  "group.hound": "Jagdhund",
  "group.sighthound": "Windhund",
  "group.shepherd": "Schäfer- oder Hütehund",
  "group.mountain": "Berg- oder Herdenschutzhund",
  "group.mastiff": "Mastiff oder Bulldogge",
  "group.pinscher": "Pinscher oder Schnauzer",
  "group.spitz": "Spitz",
  "group.poodle": "Pudel",
  "group.companion": "Begleithund",
  "group.primitive": "Hund vom Urtyp",
};
