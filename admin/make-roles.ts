import { readFileSync } from 'node:fs'
import type { Operator } from './operator.ts'

/**
 * Makes the roles that migrations make, unless they exist: a dump names them and does not hold them, so that a new
 * cluster needs them before it is restored there. Repeating it changes nothing.
 */
export async function makeRoles({ client }: Pick<Operator, 'client'>): Promise<readonly string[]> {
  const text = readFileSync(new URL('../migrations/0001_security.sql', import.meta.url), 'utf8')
  const [makeThem = ''] = text.split('--> statement-breakpoint')
  await client.query(makeThem)
  const { rows } = await client.query<{ name: string }>(
    `select rolname as name from pg_roles where rolname in ('halyard_app', 'halyard_definer') order by 1`,
  )
  return rows.map(({ name }) => name)
}
