import { setTimeout as sleep } from 'node:timers/promises'
import { makeBackOff } from '@halyard/sdk/sync/back-off.ts'
import { CommandError, exitCodes } from '../command-error.ts'
import { paint, printJsonLine, printLine, visible } from '../output.ts'
import type { Settings } from '../settings.ts'
import { makeFollower, type WatchEvent } from '../stream/follower.ts'
import { listen } from '../stream/listen.ts'
import type { FlagChange } from '../stream/snapshot-changes.ts'

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
  process.stdout.once('error', () => stop.abort()) // nobody is left to tell
  const tell = settings.isJson ? printJsonLine : printEvent
  const follower = makeFollower(tell)
  const backOff = makeBackOff(firstMs, lastMs, Math.random)
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
    tell({ event: 'disconnected', reason: ending.reason, retryInMs })
    // oxlint-disable-next-line no-await-in-loop -- as above
    await sleep(retryInMs, undefined, { signal: stop.signal }).catch(() => {}) // it was interrupted: the loop ends
  }
}

function printEvent(event: WatchEvent): void {
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
