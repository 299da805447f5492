import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { stripVTControlCharacters } from 'node:util'

/** What `wrangler dev` says about itself; what remains is the Worker's own output, and errors. */
const chatter = [
  /^\s*$/,
  /^⎔ /,
  /^Using secrets defined in /,
  /^Your Worker has access to the following bindings/,
  /^Binding\s+Resource\s+Mode/,
  /^env\.\w+ .*\b(local|remote|not supported)\b/,
  /^Service bindings, Durable Object bindings, and Tail consumers connect/,
  /^\[wrangler:info\]/,
  /Scheduled Workers are not automatically triggered/,
  /^\s+To manually trigger a scheduled event, run:/,
  /^\s+curl "http.*\/cdn-cgi\/local\/scheduled"/,
  /^\s+For more details, see .*cron-triggers/,
  /\bNOSENTRY\b/, // workerd's notes to its makers
  /Unable to fetch the `?Request\.cf/,
  /^\s*⛅️ wrangler|^─+$/,
  /If you think this is a bug then please create an issue at/,
  /^Note that there is a newer version of Wrangler available/,
]

export interface WorkerOutput {
  /** What was said until the release, chatter left out, to explain a failed start. */
  readonly beginning: () => readonly string[]
  /** From here on each line goes to the log, and those before now. */
  readonly release: () => void
  /** From here on nothing does: a process that is ended says odd things. */
  readonly mute: () => void
}

const beginningMax = 500

/** wrangler starts a runtime that crashed anew, but not joined to the other Workers: writes would be kept to themselves. */
const crash = /runtime (crashed unexpectedly|failed to restart)/

/** Hands each line worth reading to `log`, once it is released, and tells of a runtime that crashed. */
export function readWorkerOutput(
  streams: readonly Readable[],
  log: (line: string) => void,
  onCrash: () => void = () => {},
): WorkerOutput {
  const beginning: string[] = []
  let mode: 'keep' | 'log' | 'drop' = 'keep'
  for (const stream of streams) {
    createInterface({ input: stream }).on('line', (text) => {
      const line = stripVTControlCharacters(text)
      if (isChatter(line)) return
      if (crash.test(line)) onCrash()
      if (mode === 'log') log(line)
      else if (mode === 'keep' && beginning.length < beginningMax) beginning.push(line)
    })
  }
  return {
    beginning: () => beginning,
    release: () => {
      mode = 'log'
      beginning.forEach(log)
    },
    mute: () => {
      mode = 'drop'
    },
  }
}

export function isChatter(line: string): boolean {
  return chatter.some((pattern) => pattern.test(line))
}
