// What is drawn over the picture, as the viewer wants it.

/** layerNames lists the layers in the order of their switches. */
export const layerNames = ['boxes', 'tracks', 'rules', 'heat', 'blur'] as const

/** Layer is one thing that can be drawn or not; blur hides people and plates. */
export type Layer = (typeof layerNames)[number]

/** Layers says of every layer whether it is drawn. */
export type Layers = Readonly<Record<Layer, boolean>>

const stored = 'pantau.layers'
const usual: Layers = { boxes: true, tracks: true, rules: true, heat: false, blur: false }

/** readLayers understands what was remembered; what is missing is as usual. */
export function readLayers(text: string | null): Layers {
  let value: unknown = null
  try {
    value = JSON.parse(text ?? 'null')
  } catch {
    // As if nothing had been remembered.
  }
  const chosen = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  const of = (name: Layer) => (typeof chosen[name] === 'boolean' ? chosen[name] : usual[name])
  return { boxes: of('boxes'), tracks: of('tracks'), rules: of('rules'), heat: of('heat'), blur: of('blur') }
}

/** rememberedLayers is what was chosen before. */
export function rememberedLayers(): Layers {
  try {
    return readLayers(localStorage.getItem(stored))
  } catch {
    return usual
  }
}

/** rememberLayers keeps a choice in this browser. */
export function rememberLayers(layers: Layers): void {
  try {
    localStorage.setItem(stored, JSON.stringify(layers))
  } catch {
    // Without storage the choice lasts as long as the page.
  }
}
