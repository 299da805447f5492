/** Bundles the page and serves it. */
import { context } from 'esbuild'

const { HALYARD_EDGE = 'http://localhost:8788', HALYARD_CLIENT_KEY = '', PORT = '3001' } = process.env

const page = await context({
  entryPoints: ['page.tsx'],
  bundle: true,
  format: 'esm',
  jsx: 'automatic',
  outdir: 'public',
  define: {
    HALYARD_EDGE: JSON.stringify(HALYARD_EDGE),
    HALYARD_CLIENT_KEY: JSON.stringify(HALYARD_CLIENT_KEY),
  },
})
await page.serve({ servedir: 'public', port: Number(PORT), host: '127.0.0.1' })
console.log(`http://localhost:${PORT}/?user=anna&country=DE`)
