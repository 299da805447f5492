import { renderToString } from 'react-dom/server'
import type { StartOptions } from './app-page.ts'
import { Shop } from './shop.tsx'

/** The page as a server sends it. */
export function renderShop(options: StartOptions): string {
  return `<div id="root">${renderToString(<Shop options={options} />)}</div>`
}
