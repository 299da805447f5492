/** Shows what a visitor gets: `/?user=anna&country=DE`. */
import { HalyardProvider, useFlag } from '@halyard/sdk/react'
import { createRoot } from 'react-dom/client'

declare const HALYARD_EDGE: string
declare const HALYARD_CLIENT_KEY: string

const search = new URLSearchParams(location.search)
const country = search.get('country')
const options = {
  edge: HALYARD_EDGE,
  key: HALYARD_CLIENT_KEY,
  context: { targetingKey: search.get('user') ?? 'nobody', ...(country && { country }) },
}

function Shop() {
  const isNew = useFlag('new-checkout', false)
  const theme = useFlag('checkout-theme', 'classic')
  return (
    <main>
      <h1>{isNew ? 'The new checkout' : 'The checkout'}</h1>
      <p>Theme: {theme}</p>
    </main>
  )
}

const root = document.getElementById('root')
if (root)
  createRoot(root).render(
    <HalyardProvider options={options} fallback={<p>One moment</p>}>
      <Shop />
    </HalyardProvider>,
  )
