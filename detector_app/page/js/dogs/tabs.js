/** Dogs of a card as tabs: each shows its answer in the card's one panel. */

export class Tabs {
  element = document.createElement("div");
  #panel;
  #select;

  /** `select` gets the number of the tab that is chosen. */
  constructor(panel, select) {
    this.#panel = panel;
    this.#select = select;
    this.element.className = "dogs";
    this.element.setAttribute("role", "tablist");
    this.element.addEventListener("keydown", (event) => this.#press(event));
  }

  /** Show a tab for each of `names`; none for one name alone. `id` begins the ids of tabs and panel, `label` names all. */
  show({ id, label, names, selected }) {
    const several = names.length > 1;
    this.element.hidden = !several;
    this.element.setAttribute("aria-label", label);
    while (this.element.children.length > names.length) this.element.lastChild.remove();
    while (this.element.children.length < names.length) this.element.append(this.#made(this.element.children.length));
    this.#panel.id = `${id}-panel`;
    [...this.element.children].forEach((tab, index) => {
      tab.id = `${id}-${index}`;
      tab.querySelector(".dog-name").textContent = names[index];
      tab.setAttribute("aria-controls", this.#panel.id);
      tab.setAttribute("aria-selected", index === selected);
      tab.tabIndex = index === selected ? 0 : -1;
    });
    if (several) {
      this.#panel.setAttribute("role", "tabpanel");
      this.#panel.setAttribute("aria-labelledby", `${id}-${selected}`);
      this.#panel.style.setProperty("--dog", selected);
    } else for (const name of ["role", "aria-labelledby"]) this.#panel.removeAttribute(name);
  }

  #made(index) {
    const tab = document.createElement("button");
    tab.type = "button";
    tab.className = "dog";
    tab.setAttribute("role", "tab");
    tab.style.setProperty("--dog", index);
    const [number, name] = ["dog-number", "dog-name"].map((kind) => Object.assign(document.createElement("span"), { className: kind }));
    number.textContent = index + 1;
    tab.append(number, name);
    tab.addEventListener("click", () => this.#select(index));
    return tab;
  }

  #press(event) {
    const tabs = [...this.element.children];
    const at = tabs.indexOf(document.activeElement);
    const places = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: -1 };
    if (!(event.key in places)) return;
    event.preventDefault();
    const index = (places[event.key] + tabs.length) % tabs.length;
    this.#select(index);
    tabs[index].focus();
  }
}
