import { mixedFlags } from './bench/engine/flags.ts'
import { jsonWorker } from './bench/edge/ceilings.ts'
import { serveEdge, serveScript } from './bench/edge/edge-under-test.ts'
import { measureLoad } from './bench/edge/load.ts'
const context = { targetingKey: 'user-4711', country: 'DE', plan: 'team', age: 41, email: 'somebody@shop.example', beta: true }
const body = JSON.stringify({ context: { ...context, filler: 'x'.repeat(60) } })
const flags = mixedFlags(100); const key = [...flags.keys()][7]
const out: Record<string, number[]> = {}
for (let r = 0; r < 4; r++) for (const name of ['json', ...process.argv.slice(2)]) {
  const s: any = name === 'json' ? await serveScript(jsonWorker) : await serveEdge(name, flags)
  const run = async (label: string, path: string, headers: any, count: number, status = 200) => { const req = { method: 'POST', path, headers, body } as const; await measureLoad(s.url, s.pid, req, { count: 8000, status }); (out[label] ??= []).push((await measureLoad(s.url, s.pid, req, { count, status })).cpuUs) }
  const h = s.serverKey ? { authorization: `Bearer ${s.serverKey}` } : {}
  if (name === 'json') await run('json', '/', h, 30000)
  else {
    await run(name + ' one', `/ofrep/v1/evaluate/flags/${key}`, h, 30000)
    await run(name + ' 100', '/ofrep/v1/evaluate/flags', h, 15000)
    const etag = (await fetch(new URL('/ofrep/v1/evaluate/flags', s.url), { method: 'POST', headers: { ...h, 'content-type': 'application/json' }, body })).headers.get('etag')
    await run(name + ' 304', '/ofrep/v1/evaluate/flags', { ...h, 'if-none-match': etag }, 15000, 304)
  }
  await s.stop()
}
const med = (a: number[]) => a.toSorted((x, y) => x - y)[Math.floor(a.length / 2)]!
const base = med(out['json']!)
for (const [k, v] of Object.entries(out)) console.log(k.padEnd(30), med(v).toFixed(1), (med(v) / base).toFixed(3), v.map((x) => x.toFixed(0)).join(' '))
process.exit()
