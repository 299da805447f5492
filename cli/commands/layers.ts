import type { Layer } from '@halyard/shared/contract/layer.ts'
import { limits } from '@halyard/shared/contract/limits.ts'
import { percent } from '@halyard/shared/words/show.ts'
import { printFacts, printJson, printLine, printTable, visible } from '../output.ts'
import { readPages } from '../pages.ts'
import { clientOf, projectOf } from '../place.ts'
import type { Settings } from '../settings.ts'

export interface ListOptions {
  readonly archived?: boolean
}

/** `layers list` */
export async function listLayers({ archived }: ListOptions, settings: Settings): Promise<void> {
  const client = clientOf(settings)
  const params = projectOf(settings)
  const query = { limit: limits.pageSize, ...(archived === true && { archived: 'true' as const }) }
  const layers = await readPages((cursor) =>
    client.call('listLayers', { params, query: { ...query, ...(cursor !== undefined && { cursor }) } }),
  )
  if (settings.isJson) return printJson({ layers })
  if (layers.length === 0) return printLine(`no layers in ${visible(params.project)}`)
  const rows = layers.map((layer) => [
    layer.key,
    layer.by,
    String(layer.slots.length),
    freeOf(layer),
    layer.name,
  ])
  printTable(['KEY', 'BY', 'SLOTS', 'FREE', 'NAME'], rows)
}

/** `layers get` */
export async function getLayer(key: string, settings: Settings): Promise<void> {
  const layer = await clientOf(settings).call('getLayer', { params: { ...projectOf(settings), key } })
  if (settings.isJson) return printJson(layer)
  printFacts(layer.key, [
    ['name', layer.name],
    ['description', layer.description],
    ['by', layer.by],
    ['free', freeOf(layer)],
    ['archived', layer.archived ? 'yes' : 'no'],
  ])
  if (layer.slots.length === 0) return
  printLine('')
  printTable(
    ['SLOT', 'SHARE', 'BUCKETS'],
    layer.slots.map(({ name, from, to }) => [name, percent(to - from), `${from} to ${to}`]),
  )
}

/** What no slot takes: the holdout. */
function freeOf({ slots }: Layer): string {
  return percent(slots.reduce((free, { from, to }) => free - (to - from), 100_000))
}
