import { relative, resolve } from 'node:path'
import { projectRoot } from './run-tool.ts'
import type { Stack } from './stack.ts'

/** What to know about a running stack, and four commands to paste. */
export function formatPanel(stack: Stack, stateDir: string): string {
  const { urls, seed, databaseUrl } = stack
  const { serverKey, clientKey } = seed.environments.development
  const edge = onLocalhost(urls.edge)
  const reference = `${onLocalhost(urls.control)}/api/v1/reference`
  const cli = `${cliVariables(stack, stateDir)}npm run halyard --`
  const headers = `-H 'Authorization: Bearer ${serverKey}' -H 'Content-Type: application/json'`
  return `
  Console    ${named(urls.control, 'console')}
  Edge       ${named(urls.edge, 'edge')}
  API        ${reference}
  Database   ${stack.postgres ? databaseUrl : withoutPassword(databaseUrl)}

  Organization ${seed.organization}, project ${seed.project}, environments ${Object.keys(seed.environments).join(', ')}
  Keys of development (all keys: ${relative('.', stateDir)}/seed.json)
    server      ${serverKey}
    client      ${clientKey}
    management  ${seed.managementKey} (the whole organization)

  Evaluate a flag:
    curl ${edge}/ofrep/v1/evaluate/flags/new-checkout ${headers} -d '{"context":{"targetingKey":"user-1"}}'
  Toggle it:
    ${cli} flags toggle new-checkout
  Watch its changes arrive:
    ${cli} watch
  Read the API reference:
    ${reference}
`
}

/** A database of the developer's own has a password that is nobody else's to see. */
function withoutPassword(url: string): string {
  const shown = new URL(url)
  if (shown.password !== '') shown.password = '***'
  return shown.href
}

/** The CLI finds the usual state folder by itself; of another one it has to be told. */
function cliVariables({ urls, seed }: Stack, stateDir: string): string {
  if (resolve(stateDir) === resolve(projectRoot, '.halyard')) return ''
  const variables = {
    HALYARD_API_URL: onLocalhost(urls.control),
    HALYARD_EDGE_URL: onLocalhost(urls.edge),
    HALYARD_TOKEN: seed.managementKey,
    HALYARD_KEY: seed.environments.development.serverKey,
    HALYARD_ORG: seed.organization,
    HALYARD_PROJECT: seed.project,
    HALYARD_ENV: 'development',
  }
  return Object.entries(variables)
    .map(([name, value]) => `${name}=${value} `)
    .join('')
}

/** What people paste names plain localhost, which resolves everywhere. */
function onLocalhost(url: string): string {
  return url.replace('127.0.0.1', 'localhost')
}

/** Browsers resolve every name under localhost to this machine; each part gets cookies of its own. */
function named(url: string, name: string): string {
  return url.replace('127.0.0.1', `${name}.halyard.localhost`)
}
