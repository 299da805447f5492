/** A page as its users write one, rendered on the server and in the browser. */
import { HalyardProvider, useFlag, useFlagDetails, useStatus } from '@halyard/sdk/react/index.tsx'
import type { Rendered, StartOptions } from './app-page.ts'

export const renders: Record<string, number> = {}
export const rendered: Rendered[] = []

interface ShopProps {
  readonly options: StartOptions
  readonly suspends?: boolean
}

export function Shop({ options, suspends = false }: ShopProps) {
  return (
    <HalyardProvider options={options} {...(suspends && { fallback: <p id="waiting">one moment</p> })}>
      <Checkout />
      <Theme />
      <Shipping user={String(options.context['targetingKey'])} />
      <Status />
    </HalyardProvider>
  )
}

function Checkout() {
  count('checkout')
  return <p id="checkout">{useFlag('new-checkout', false) ? 'new' : 'old'}</p>
}

function Theme() {
  count('theme')
  const { value, variant } = useFlagDetails('checkout-theme', 'none')
  return (
    <p id="theme">
      {value} {variant}
    </p>
  )
}

function Shipping({ user }: { readonly user: string }) {
  const isFree = useFlag('free-shipping', false)
  rendered.push([user, isFree])
  return <p id="shipping">{isFree ? 'free' : 'paid'}</p>
}

function Status() {
  count('status')
  return <p id="status">{useStatus()}</p>
}

function count(name: string): void {
  renders[name] = (renders[name] ?? 0) + 1
}
