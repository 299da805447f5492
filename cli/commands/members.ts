/** `segments members get|add|remove|clear`: the large list of a segment in one environment. */
import { randomUUID } from 'node:crypto'
import type { Members } from '@halyard/shared/contract/members-endpoints.ts'
import { count, showList } from '@halyard/shared/words/show.ts'
import { confirmIn } from '../confirm.ts'
import type { WriteOptions } from '../options.ts'
import { printFacts, printJson, printLine, printTable, printWritten, visible } from '../output.ts'
import { clientOf, placeOf } from '../place.ts'
import type { Settings } from '../settings.ts'

/** `segments members get`: sizes, later edits and uploads; the ids themselves are not given back. */
export async function getMembers(key: string, settings: Settings): Promise<void> {
  const members = await clientOf(settings).call('getMembers', { params: { ...placeOf(settings), key } })
  if (settings.isJson) return printJson(members)
  printFacts(key, [
    ['uploaded', members.hash === null ? 'nothing' : `${count(members.count)} ids`],
    ['added since', members.added.length === 0 ? '' : showList(members.added, 'and')],
    ['removed since', members.removed.length === 0 ? '' : showList(members.removed, 'and')],
  ])
  if (members.uploads.length === 0) return
  printLine('')
  printTable(['UPLOAD', 'STATE', 'PARTS', 'LAST PART'], members.uploads.map(rowOf))
}

/** `segments members add` and `remove`: single ids. */
export async function editMembers(
  key: string,
  {
    add = [],
    remove = [],
    comment,
    yes,
  }: WriteOptions & { add?: readonly string[]; remove?: readonly string[] },
  settings: Settings,
): Promise<void> {
  const client = clientOf(settings)
  const params = { ...placeOf(settings), key }
  await confirmIn(client, params, { deed: `change who is in ${visible(key)}`, yes })
  const body = { add: [...add], remove: [...remove], ...(comment !== undefined && { comment }) }
  const members = await client.call('editMembers', { params, body, idempotencyKey: randomUUID() })
  printWritten(members, settings.isJson, () => {
    const done = [
      add.length > 0 ? `added ${add.length}` : '',
      remove.length > 0 ? `removed ${remove.length}` : '',
    ]
    printLine(`${done.filter((text) => text !== '').join(', ')}: ${describeMembers(members)}`)
  })
}

/** `segments members clear`: empties the list, or discards an upload that was not committed. */
export async function clearMembers(
  key: string,
  { upload, yes }: WriteOptions & { upload?: string },
  settings: Settings,
): Promise<void> {
  const client = clientOf(settings)
  const params = { ...placeOf(settings), key }
  if (upload === undefined)
    await confirmIn(client, params, { deed: `empty the list of ${visible(key)}`, yes })
  const query = upload === undefined ? {} : { upload }
  const members = await client.call('clearMembers', { params, query, idempotencyKey: randomUUID() })
  printWritten(members, settings.isJson, () =>
    printLine(
      upload === undefined ? `emptied: ${describeMembers(members)}` : `discarded upload ${visible(upload)}`,
    ),
  )
}

export function describeMembers({ count: ids, added, removed }: Members): string {
  const edits =
    added.length + removed.length === 0 ? '' : `, and ${added.length} added, ${removed.length} removed since`
  return `the list has ${count(ids)} ids${edits}`
}

function rowOf({ upload, committed, parts, missing, updatedAt }: Members['uploads'][number]): string[] {
  const held = missing.length === 0 ? String(parts.length) : `${parts.length}, ${missing.length} missing`
  return [upload, committed ? 'committed' : 'open', committed ? '' : held, updatedAt]
}
