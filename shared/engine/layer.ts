import type { Seed } from './bucketing.ts'
import { readBuckets, readList, readSeed, readShape, readText, refuse } from './shape.ts'

export interface CompiledLayer {
  readonly by: string
  readonly seed: Seed
  readonly slots: ReadonlyMap<string, Slot>
}

/** The buckets from `from` up to, not including, `to`. */
export interface Slot {
  readonly from: number
  readonly to: number
}

const layerMembers = new Set(['seed', 'by', 'slots'])
const slotMembers = new Set(['name', 'from', 'to'])

/** Compiles the JSON of a layer's line. Throws a SyntaxError if it cannot be read. */
export function compileLayer(json: string): CompiledLayer {
  const layer = readShape(JSON.parse(json), 'a layer', layerMembers)
  const slots = new Map<string, Slot>()
  for (const item of readList(layer['slots'], 'the slots of a layer')) {
    const slot = readShape(item, 'a slot', slotMembers)
    const name = readText(slot['name'], 'the name of a slot')
    if (slots.has(name)) refuse(`two slots are called "${name}"`)
    slots.set(name, {
      from: readBuckets(slot['from'], 'the start of a slot'),
      to: readBuckets(slot['to'], 'the end of a slot'),
    })
  }
  return {
    by: readText(layer['by'], 'the attribute of a layer'),
    seed: readSeed(layer['seed'], 'the seed of a layer'),
    slots,
  }
}
