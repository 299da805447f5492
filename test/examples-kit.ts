/** The examples, bundled by a user's bundler from a project that has the packed SDK. */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import { build } from 'esbuild'
import { projectRoot } from '../dev/run-tool.ts'
import type { FreshProject } from './fresh-project.ts'

/** Copies the source of an example into the project; gives its path there. */
export function copySource(project: FreshProject, path: string): string {
  return project.write(join('examples', path), readFileSync(join(projectRoot, 'examples', path), 'utf8'))
}

/** One module, with everything but what the runtime itself has. */
export async function bundleFor(
  platform: 'node' | 'browser' | 'neutral',
  file: string,
  define: Readonly<Record<string, string>> = {},
): Promise<string> {
  const texts = Object.entries(define).map(([name, value]) => [name, JSON.stringify(value)])
  const { outputFiles } = await build({
    entryPoints: [file],
    bundle: true,
    format: 'esm',
    platform,
    jsx: 'automatic',
    external: ['cloudflare:*'],
    define: Object.fromEntries(texts),
    write: false,
  })
  return outputFiles[0]?.text ?? ''
}

/** Serves a page that runs this module. */
export async function servePage(module: string): Promise<Server> {
  const html = `<!doctype html><link rel="icon" href="data:,"><div id="root"></div><script type="module" src="/page.js"></script>`
  const server = createServer(({ url }, response) => {
    const isModule = url === '/page.js'
    response
      .setHeader('content-type', isModule ? 'text/javascript' : 'text/html')
      .end(isModule ? module : html)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}
