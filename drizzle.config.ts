import { defineConfig } from 'drizzle-kit'

export default defineConfig({
  dialect: 'postgresql',
  schema: './workers/control/store/*schema.ts',
  out: './migrations',
})
