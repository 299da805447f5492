import { existsSync } from 'node:fs'
import { chromium, type Browser } from 'playwright-core'

export const remedy = 'apt-get install chromium, or name one in CHROMIUM_PATH'

const executablePath = [
  process.env['CHROMIUM_PATH'],
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
].find((path) => path !== undefined && existsSync(path))

export const isMissing = executablePath === undefined

/** Starts the Chromium of this machine, without what would look for the network. */
export async function launchChromium(): Promise<Browser> {
  if (executablePath === undefined) throw new Error(`no Chromium here: ${remedy}`)
  const args = [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ]
  return await chromium.launch({ executablePath, args })
}
