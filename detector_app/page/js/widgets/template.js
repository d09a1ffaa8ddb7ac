/** Return a new copy of what the `<template>` of this id holds. */
export function instance(id) {
  return document.getElementById(`${id}-template`).content.firstElementChild.cloneNode(true);
}

/** Write a text where another stands: the same again would be laid out again. */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
