import { setTimeout as sleep } from 'node:timers/promises'
import { makeBackOff } from '../back-off.ts'
import { CommandError, exitCodes } from '../command-error.ts'
import { paint, printJsonLine, printLine, visible } from '../output.ts'
import type { Settings } from '../settings.ts'
import { listen } from '../stream/listen.ts'
import type { Heard } from '../stream/messages.ts'
import { changesBetween, readFlagTexts, type FlagChange, type FlagTexts } from '../stream/snapshot-changes.ts'

/** What is told of the stream; each is one line of the machine output. */
type Event =
  | { readonly event: 'snapshot'; readonly version: string; readonly flags: number }
  | { readonly event: 'version'; readonly version: string; readonly changes: readonly FlagChange[] | null }
  | { readonly event: 'disconnected'; readonly reason: string; readonly retryInMs: number }

const firstMs = 1_000
const lastMs = 30_000
/** After so long a connection, the next one is tried as if it were the first. */
const healthyMs = 60_000

/** `watch`: tells of each version of an environment as it arrives, until it is interrupted. */
export async function watch(settings: Settings): Promise<void> {
  const url = `${settings.need('edge').replace(/^http/, 'ws')}/v1/stream`
  const key = settings.need('key')
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort()) // more than once: npm passes it on
  const follower = makeFollower(settings.isJson ? printJsonLine : printEvent)
  const backOff = makeBackOff(firstMs, lastMs)
  while (!stop.signal.aborted) {
    const since = follower.version()
    const query = since === null ? '' : `?since=${since}`
    // One connection after another.
    // oxlint-disable-next-line no-await-in-loop
    const ending = await listen({ url: url + query, key, signal: stop.signal, hear: follower.hear })
    if (stop.signal.aborted) return
    if (ending.kind === 'refused')
      throw new CommandError(exitCodes.failed, 'the stream was refused', [ending.reason])
    if (ending.livedMs >= healthyMs) backOff.reset()
    const retryInMs = backOff.next(ending.retryAfterMs)
    follower.tell({ event: 'disconnected', reason: ending.reason, retryInMs })
    // oxlint-disable-next-line no-await-in-loop -- as above
    await sleep(retryInMs, undefined, { signal: stop.signal }).catch(() => {}) // it was interrupted: the loop ends
  }
}

function makeFollower(tell: (event: Event) => void) {
  let known: FlagTexts | null = null
  let version: string | null = null
  const hear = (heard: Exclude<Heard, { kind: 'goaway' }>) => {
    switch (heard.kind) {
      case 'alive':
        return
      case 'changed':
        version = heard.version
        return tell({ event: 'version', version, changes: null })
      case 'snapshot': {
        const before = known
        known = readFlagTexts(heard.body)
        version = heard.version
        if (before === null) return tell({ event: 'snapshot', version, flags: known.size })
        return tell({ event: 'version', version, changes: changesBetween(before, known) })
      }
    }
    return heard satisfies never
  }
  return { hear, tell, version: () => version }
}

function printEvent(event: Event): void {
  const time = paint('dim', new Date().toTimeString().slice(0, 8))
  switch (event.event) {
    case 'snapshot':
      return printLine(`${time}  ${event.version}  watching ${event.flags} flags`)
    case 'disconnected': {
      const inSec = (event.retryInMs / 1000).toFixed(1)
      return printLine(paint('yellow', `${time}  ${visible(event.reason)}; trying again in ${inSec} s`))
    }
    case 'version':
      for (const line of describeVersion(event.changes))
        printLine(`${time}  ${visible(event.version)}  ${line}`)
      return undefined
  }
  return event satisfies never
}

function describeVersion(changes: readonly FlagChange[] | null): string[] {
  if (changes === null) return ['changed (a client key is not told what)']
  if (changes.length === 0) return [paint('dim', 'no flag changed')]
  return changes.map(({ key, change, enabled, serves }) => {
    const state = enabled === null ? '' : enabled ? ' on,' : ' off,'
    const what = serves === null ? '' : ` ${state.trim()} serves ${visible(serves)}`
    return `${paint('bold', visible(key))} ${change}${what && `:${what}`}`
  })
}
