import { readFileSync } from 'node:fs'

/** The cron expressions of a Worker's wrangler.toml, top level. */
export function readCrons(configPath: string): readonly string[] {
  const list = /^\s*crons\s*=\s*\[([^\]]*)\]/m.exec(readFileSync(configPath, 'utf8'))?.[1] ?? ''
  return [...list.matchAll(/["']([^"']+)["']/g)].map(([, expression]) => expression ?? '')
}

/**
 * Does what Cloudflare does and `wrangler dev` does not: fires the crons of a Worker, all of them now and each when
 * it is due after that. Answers how to stop.
 */
export function startCrons(
  workerUrl: string,
  crons: readonly string[],
  log: (line: string) => void,
): () => void {
  const stop = new AbortController()
  const fire = async (cron: string) => {
    const url = `${workerUrl}/cdn-cgi/local/scheduled?cron=${encodeURIComponent(cron)}`
    try {
      const response = await fetch(url, { signal: stop.signal })
      if (!response.ok) log(`cron ${cron} answered ${response.status}`)
    } catch (error) {
      if (!stop.signal.aborted) log(`cron ${cron} could not be fired: ${String(error)}`) // the Worker is down: next minute
    }
  }
  for (const cron of crons) void fire(cron)
  const tick = () => crons.filter((cron) => isDue(cron, new Date())).forEach((cron) => void fire(cron))
  const timer = setInterval(tick, 60_000)
  return () => {
    clearInterval(timer)
    stop.abort()
  }
}

/** True if a cron expression of five numeric fields (`*`, lists, ranges, steps; UTC) names this minute. */
export function isDue(cron: string, time: Date): boolean {
  const values = [
    time.getUTCMinutes(),
    time.getUTCHours(),
    time.getUTCDate(),
    time.getUTCMonth() + 1,
    time.getUTCDay() + 1,
  ]
  const fields = cron.trim().split(/\s+/)
  return fields.length === values.length && fields.every((field, index) => matches(field, values[index] ?? 0))
}

function matches(field: string, value: number): boolean {
  return field.split(',').some((part) => {
    const [range = '', step = '1'] = part.split('/')
    const [low, high = low] = range === '*' ? [0, 59] : range.split('-').map(Number)
    if (low === undefined || high === undefined) return false
    const end = part.includes('/') && high === low ? 59 : high
    return value >= low && value <= end && (value - low) % Number(step) === 0
  })
}
