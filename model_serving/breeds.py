"""The dog breeds that ImageNet's classifier knows, by the names people use, and other spellings of the same breed.

Classes 151 to 268 of ImageNet's 1,000 are domestic dogs. ImageNet's own names are partly unusual ("Blenheim spaniel",
"Mexican hairless"); here stand the names of the breed clubs, with ImageNet's and others' as further spellings.
"""

from __future__ import annotations

import re

from model_serving.photos.labels import label_key

IMAGENET_DOGS = slice(151, 269)

# In ImageNet's order: the name shown, then other names of the same breed.
_NAMES = """
Chihuahua
Japanese Chin = Japanese Spaniel
Maltese = Maltese Dog
Pekingese = Pekinese
Shih Tzu
Cavalier King Charles Spaniel = Blenheim Spaniel
Papillon
Toy Terrier = English Toy Terrier
Rhodesian Ridgeback
Afghan Hound
Basset Hound = Basset
Beagle
Bloodhound
Bluetick Coonhound = Bluetick
Black and Tan Coonhound
Treeing Walker Coonhound = Walker Hound
English Foxhound
Redbone Coonhound = Redbone
Borzoi
Irish Wolfhound
Italian Greyhound
Whippet
Ibizan Hound
Norwegian Elkhound
Otterhound
Saluki
Scottish Deerhound
Weimaraner
Staffordshire Bull Terrier
American Staffordshire Terrier
Bedlington Terrier
Border Terrier
Kerry Blue Terrier
Irish Terrier
Norfolk Terrier
Norwich Terrier
Yorkshire Terrier
Wire Fox Terrier = Wire-haired Fox Terrier
Lakeland Terrier
Sealyham Terrier
Airedale Terrier = Airedale
Cairn Terrier = Cairn
Australian Terrier
Dandie Dinmont Terrier = Dandie Dinmont
Boston Terrier = Boston Bull
Miniature Schnauzer
Giant Schnauzer
Standard Schnauzer
Scottish Terrier = Scotch Terrier
Tibetan Terrier
Silky Terrier
Soft-coated Wheaten Terrier
West Highland White Terrier
Lhasa Apso = Lhasa
Flat-coated Retriever
Curly-coated Retriever
Golden Retriever
Labrador Retriever
Chesapeake Bay Retriever
German Shorthaired Pointer = German Short-haired Pointer
Vizsla
English Setter
Irish Setter
Gordon Setter
Brittany = Brittany Spaniel
Clumber Spaniel = Clumber
English Springer Spaniel = English Springer
Welsh Springer Spaniel
Cocker Spaniel
Sussex Spaniel
Irish Water Spaniel
Kuvasz
Schipperke
Belgian Sheepdog = Groenendael
Belgian Malinois = Malinois
Briard
Australian Kelpie = Kelpie
Komondor
Old English Sheepdog
Shetland Sheepdog
Collie
Border Collie
Bouvier des Flandres
Rottweiler
German Shepherd = German Shepherd Dog
Doberman Pinscher = Doberman
Miniature Pinscher
Greater Swiss Mountain Dog
Bernese Mountain Dog
Appenzeller Sennenhund = Appenzeller
Entlebucher Mountain Dog = EntleBucher
Boxer
Bullmastiff = Bull Mastiff
Tibetan Mastiff
French Bulldog
Great Dane
Saint Bernard
American Eskimo Dog = Eskimo Dog
Alaskan Malamute = Malamute
Siberian Husky
Dalmatian
Affenpinscher
Basenji
Pug
Leonberger = Leonberg
Newfoundland
Great Pyrenees
Samoyed
Pomeranian
Chow Chow = Chow
Keeshond
Brussels Griffon = Brabancon Griffon
Pembroke Welsh Corgi = Pembroke
Cardigan Welsh Corgi = Cardigan
Toy Poodle
Miniature Poodle
Standard Poodle
Xoloitzcuintli = Mexican Hairless
"""
_SPELLINGS = [[name.strip() for name in line.split("=")] for line in _NAMES.strip().splitlines()]

IMAGENET_BREEDS: tuple[str, ...] = tuple(names[0] for names in _SPELLINGS)


_BY_KEY = {label_key(name): names[0] for names in _SPELLINGS for name in names}


def readable(folder: str) -> str:
    """Return the breed that a class folder means: `001.Affenpinscher` and `german_shepherd_dog` become readable names.

    A breed that ImageNet knows gets its usual name, whatever its spelling; any other keeps its own words.
    """
    name = re.sub(r"^\d+\.|^n\d{8}-", "", folder).replace("_", " ").strip()
    return _BY_KEY.get(label_key(name)) or (name[:1].upper() + name[1:])


def same_breed(one: str, other: str) -> bool:
    """Tell whether two names, in whatever spelling, mean the same breed."""
    return label_key(readable(one)) == label_key(readable(other))
