/** The TypeScript type of JSON values, as text: of examples, or of what a JSON Schema says. */
import type { Json } from '@halyard/shared/engine/model.ts'

type JsonObject = { readonly [name: string]: Json }

/** One type that all of the values have: scalars by their kind, objects member by member. */
export function typeOfValues(values: readonly Json[]): string {
  const objects = values.filter(isObject)
  const lists = values.filter((value) => Array.isArray(value))
  const scalars = values.flatMap((value) => (typeof value === 'object' ? [] : [typeof value]))
  return union([
    ...(objects.length > 0 ? [typeOfObjects(objects)] : []),
    ...(lists.length > 0 ? [listOf(typeOfValues(lists.flat()))] : []),
    ...scalars,
    ...(values.includes(null) ? ['null'] : []),
  ])
}

/** The type of what satisfies a JSON Schema; null if it says something that no type here can say. */
export function typeOfSchema(schema: Json): string | null {
  if (!isObject(schema) || !Object.keys(schema).every((name) => understood.has(name))) return null
  if (schema['const'] !== undefined) return literal(schema['const'])
  const { enum: choices } = schema
  if (Array.isArray(choices)) return unionIf(choices.map(literal))
  const { anyOf: parts = schema['oneOf'] } = schema
  if (Array.isArray(parts)) return isAlone(schema) ? unionIf(parts.map(typeOfSchema)) : null
  const { type } = schema
  return Array.isArray(type)
    ? unionIf(type.map((one) => typeNamed(one, schema)))
    : typeNamed(type ?? null, schema)
}

/** What a schema may hold here: the words that make a type, and those that only narrow it. */
const understood = new Set(
  [
    '$schema $id $comment title description default examples deprecated',
    'type enum const anyOf oneOf properties required additionalProperties items',
    'minimum maximum exclusiveMinimum exclusiveMaximum multipleOf minLength maxLength pattern format',
    'minItems maxItems uniqueItems minProperties maxProperties',
  ].flatMap((words) => words.split(' ')),
)

/** Whether a choice of schemas is all that makes the type: what stands beside it would hold as well. */
function isAlone(schema: JsonObject): boolean {
  const makers = ['type', 'anyOf', 'oneOf', 'properties', 'required', 'additionalProperties', 'items']
  return makers.filter((name) => schema[name] !== undefined).length === 1
}

function typeNamed(type: Json, schema: JsonObject): string | null {
  switch (type) {
    case 'string':
    case 'number':
    case 'boolean':
    case 'null':
      return type
    case 'integer':
      return 'number'
    case 'array': {
      const item = schema['items'] === undefined ? null : typeOfSchema(schema['items'])
      return item === null ? null : listOf(item)
    }
    case 'object':
      return typeOfProperties(schema)
    default:
      return null
  }
}

function typeOfProperties({ properties = {}, required, additionalProperties }: JsonObject): string | null {
  if (!isObject(properties)) return null
  const names = Object.keys(properties)
  const isNamed = Array.isArray(required) && required.every((name) => names.includes(String(name)))
  // These say something of members that no type here has beside its own.
  if (required !== undefined && !isNamed) return null
  if (names.length > 0 && isObject(additionalProperties)) return null
  const needed = new Set(Array.isArray(required) ? required : [])
  const members = Object.entries(properties).map(([name, schema]) => {
    const type = typeOfSchema(schema)
    return type === null ? null : member(name, type, needed.has(name))
  })
  if (members.includes(null)) return null
  // An object of names that nobody knows is a record of what its members are.
  const isRecord = members.length === 0 && additionalProperties !== false
  if (!isRecord) return members.length === 0 ? 'Record<string, never>' : `{ ${members.join('; ')} }`
  const type = isObject(additionalProperties) ? typeOfSchema(additionalProperties) : null
  return type === null ? null : `{ readonly [name: string]: ${type} }`
}

function typeOfObjects(objects: readonly JsonObject[]): string {
  const names = [...new Set(objects.flatMap((object) => Object.keys(object)))].toSorted()
  if (names.length === 0) return 'Record<string, never>'
  const members = names.map((name) => {
    const values = objects.flatMap((object) => (Object.hasOwn(object, name) ? [object[name] ?? null] : []))
    return member(name, typeOfValues(values), values.length === objects.length)
  })
  return `{ ${members.join('; ')} }`
}

function member(name: string, type: string, isRequired: boolean): string {
  return `readonly ${propertyName(name)}${isRequired ? '' : '?'}: ${type}`
}

/** A name as it stands in a type or an object: quoted if it has to be. */
export function propertyName(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : textLiteral(name)
}

/** A text in single quotes. */
export function textLiteral(text: string): string {
  const inner = JSON.stringify(text)
    .slice(1, -1)
    .replaceAll(String.raw`\"`, '"')
  // What would break the line, or show it otherwise than it runs.
  const steering = /[\u2028\u2029\p{Cc}]|\p{Bidi_Control}/gu
  return `'${inner
    .replaceAll("'", String.raw`\'`)
    .replaceAll(steering, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)}'`
}

/** Any of the types, each once. */
export function union(types: readonly string[]): string {
  return types.length === 0 ? 'never' : [...new Set(types)].join(' | ')
}

function unionIf(types: readonly (string | null)[]): string | null {
  const known = types.filter((type) => type !== null)
  return known.length === types.length && known.length > 0 ? union(known) : null
}

function listOf(item: string): string {
  return `readonly ${/[|{ ]/.test(item) ? `(${item})` : item}[]`
}

function literal(value: Json): string | null {
  if (typeof value === 'object') return value === null ? 'null' : null
  return typeof value === 'string' ? textLiteral(value) : String(value)
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
