/** Return a new copy of what the `<template>` of this id holds. */
export function instance(id) {
  return document.getElementById(`${id}-template`).content.firstElementChild.cloneNode(true);
}
