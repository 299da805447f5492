import { createWebClient } from '@halyard/sdk/web/index.ts'
import type { FlagChange, WebClient } from '@halyard/sdk/web/index.ts'
import { StrictMode } from 'react'
import { createRoot, hydrateRoot, type Root } from 'react-dom/client'
import type { AppPage, MountOptions, StartOptions } from './app-page.ts'
import { rendered, renders, Shop } from './shop.tsx'

interface Mounted {
  readonly root: Root
  readonly options: StartOptions
  readonly how: MountOptions
}

const changes: FlagChange[] = []
const seen: Record<string, string[]> = {}
const held: { client?: WebClient; mounted?: Mounted } = {}

const app: AppPage = {
  open(options, flag) {
    held.client = createWebClient(options)
    held.client.on('change', (change) => changes.push(change))
    return app.read(flag)
  },
  openWithoutStreams(options) {
    Reflect.deleteProperty(globalThis, 'EventSource')
    held.client = createWebClient(options)
  },
  read: (flag) => client().booleanDetails(flag, false),
  all: () => client().all(),
  status: () => client().status(),
  changes: () => changes,
  move(context, flag) {
    void client().setContext(context)
    return app.read(flag)
  },
  moveAndWait: (context) => client().setContext(context),
  track: (name, value) => client().track(name, { value }),
  mount(options, how) {
    const root = createRoot(document.body.appendChild(document.createElement('div')))
    render({ root, options, how })
  },
  hydrate(options) {
    for (const id of ['checkout', 'theme']) watchText(id)
    const root = hydrateRoot(rootElement(), <Shop options={options} />)
    held.mounted = { root, options, how: {} }
  },
  renderFor(context) {
    const { root, options, how } = mounted()
    render({ root, options: { ...options, context }, how })
  },
  unmount: () => mounted().root.unmount(),
  renders: () => renders,
  seen: () => seen,
  rendered: () => rendered,
}

Object.assign(globalThis, { app })

function render(mounted: Mounted): void {
  const { root, options, how } = mounted
  held.mounted = mounted
  const shop = <Shop options={options} suspends={how.suspends === true} />
  root.render(how.isStrict ? <StrictMode>{shop}</StrictMode> : shop)
}

function watchText(id: string): void {
  const look = () => {
    const text = document.querySelector(`#${id}`)?.textContent ?? ''
    const texts = (seen[id] ??= [])
    if (texts.at(-1) !== text) texts.push(text)
  }
  look()
  new MutationObserver(look).observe(document.body, { subtree: true, characterData: true, childList: true })
}

function client(): WebClient {
  if (!held.client) throw new Error('open one first')
  return held.client
}

function mounted(): Mounted {
  if (!held.mounted) throw new Error('mount it first')
  return held.mounted
}

function rootElement(): HTMLElement {
  const root = document.querySelector<HTMLElement>('#root')
  if (!root) throw new Error('the server rendered nothing')
  return root
}
