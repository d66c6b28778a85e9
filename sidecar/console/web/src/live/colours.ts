// Colours of the classes: Okabe and Ito, "Color Universal Design" (2008), which
// people with any kind of colour vision can tell apart.

const colours: Record<string, string> = {
  person: '#e69f00',
  bicycle: '#009e73',
  motorcycle: '#f0e442',
  car: '#56b4e9',
  bus: '#cc79a7',
  truck: '#d55e00',
}

/** colourOf gives a class its colour; classes beyond the usual six are white. */
export function colourOf(cls: string): string {
  return colours[cls] ?? '#f2f2f2'
}

/** classOrder sorts class names as they are shown everywhere. */
export function classOrder(a: string, b: string): number {
  const names = Object.keys(colours)
  const at = (c: string) => (names.indexOf(c) + names.length + 1) % (names.length + 1)
  return at(a) - at(b) || (a < b ? -1 : a > b ? 1 : 0)
}
