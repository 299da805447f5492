import { join } from 'node:path'
import ts from 'typescript'
import { fault } from './fault.ts'
import type { SdkEntry } from './pack-sdk.ts'
import { projectRoot } from './run-tool.ts'

interface Described {
  readonly name: string
  readonly text: string
  readonly isValue: boolean
}

interface Entry {
  readonly name: string
  /** What stands above its imports. */
  readonly about: string
  readonly exported: readonly ts.Symbol[]
}

/** Those whose names the others share come first: a name is described once. */
const leading = ['server', 'web']

/**
 * A page for each entry, by its path: the names that it exports, as they are declared, with their docstrings. Throws if a
 * function or class has none.
 */
export function describeSdk(entries: readonly SdkEntry[]): ReadonlyMap<string, string> {
  const program = ts.createProgram(
    entries.map(({ file }) => file),
    readOptions(),
  )
  const checker = program.getTypeChecker()
  const homes = new Map<ts.Node, string>()
  const ordered = entries.toSorted((a, b) => rank(a) - rank(b))
  return new Map(
    ordered.map(({ name, file }) => {
      const source = program.getSourceFile(file)
      const module = source && checker.getSymbolAtLocation(source)
      if (!source || !module) throw fault(`${file} exports nothing`, 'An entry exports its names')
      const entry = { name, about: aboutOf(source), exported: checker.getExportsOfModule(module) }
      return [`sdk/${name}.md`, describeEntry(entry, checker, homes)]
    }),
  )
}

function rank({ name }: SdkEntry): number {
  return leading.includes(name) ? leading.indexOf(name) : leading.length
}

function readOptions(): ts.CompilerOptions {
  const path = join(projectRoot, 'sdk', 'tsconfig.pack.json')
  const { config } = ts.readConfigFile(path, (file) => ts.sys.readFile(file))
  return ts.parseJsonConfigFileContent(config, ts.sys, join(projectRoot, 'sdk')).options
}

/** The docstring that opens a file. */
function aboutOf(source: ts.SourceFile): string {
  const comment = /^(?:'use client'\s+)?\/\*\*\s*(.*?)\s*\*\//s.exec(source.text)?.[1] ?? ''
  return comment.replaceAll(/\s*\n\s*\*\s*/g, ' ')
}

function describeEntry(entry: Entry, checker: ts.TypeChecker, homes: Map<ts.Node, string>): string {
  const elsewhere: string[] = []
  const here: Described[] = []
  for (const exported of entry.exported) {
    const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported
    const [first] = symbol.declarations ?? []
    if (!first)
      throw fault(`${entry.name} exports ${exported.name}, which is declared nowhere`, 'Take it out')
    const home = homes.get(first)
    if (home === undefined) here.push(describe(exported.name, symbol, checker))
    else elsewhere.push(`[${exported.name}](${home}.md#${exported.name.toLowerCase()})`)
    homes.set(first, home ?? entry.name)
  }
  const values = here.filter(({ isValue }) => isValue)
  const types = here.filter(({ isValue }) => !isValue)
  return [
    `# @halyard/sdk/${entry.name}\n`,
    ...(entry.about === '' ? [] : [`${entry.about}\n`]),
    ...[...values, ...types].map(({ text }) => text),
    ...(elsewhere.length === 0 ? [] : [`## Exported here too\n\n${elsewhere.join(' · ')}\n`]),
  ].join('\n')
}

function describe(name: string, symbol: ts.Symbol, checker: ts.TypeChecker): Described {
  const declarations = symbol.declarations ?? []
  const isValue = (symbol.flags & ts.SymbolFlags.Value) !== 0
  const doc = docOf(symbol, checker)
  if (
    doc === '' &&
    declarations.some((each) => ts.isFunctionDeclaration(each) || ts.isClassDeclaration(each))
  )
    throw fault(`${name} of the SDK has no docstring`, 'Say what it does, in which units, and when it fails')
  const code = declarations.map((each) => declare(each, checker)).join('\n')
  const about = doc === '' ? '' : `${doc.replaceAll(/\s*\n\s*/g, ' ')}\n\n`
  return { name, isValue, text: `## ${name}\n\n${about}\`\`\`ts\n${code}\n\`\`\`\n` }
}

function docOf(symbol: ts.Symbol, checker: ts.TypeChecker): string {
  const [first] = symbol.declarations ?? []
  const whole = first && ts.isBindingElement(first) ? checker.getTypeAtLocation(first.parent) : undefined
  const described = whole?.getProperty(symbol.name) ?? symbol // of `const { x } = …` the property has the docstring
  return ts.displayPartsToString(described.getDocumentationComment(checker)).trim()
}

/** A declaration as a user needs it: without what is done inside. */
function declare(node: ts.Declaration, checker: ts.TypeChecker): string {
  if (ts.isFunctionDeclaration(node)) return publicText(node, node.body)
  if (ts.isClassDeclaration(node)) return declareClass(node, checker)
  if (ts.isVariableDeclaration(node) || ts.isBindingElement(node))
    return `const ${node.name.getText()}: ${typeOf(node, checker)}`
  return publicText(node)
}

function typeOf(node: ts.Node, checker: ts.TypeChecker): string {
  return checker.typeToString(checker.getTypeAtLocation(node), node, ts.TypeFormatFlags.NoTruncation)
}

function declareClass(node: ts.ClassDeclaration, checker: ts.TypeChecker): string {
  const parts = (node.heritageClauses ?? []).map((clause) => ` ${clause.getText()}`)
  const members = node.members.filter((member) => !isPrivate(member))
  const lines = members.map((member) => `  ${declareMember(member, checker)}`)
  return [`class ${node.name?.text ?? ''}${parts.join('')} {`, ...lines, '}'].join('\n')
}

function declareMember(member: ts.ClassElement, checker: ts.TypeChecker): string {
  const doc = ts.getJSDocCommentsAndTags(member).map((each) => `${each.getText()}\n  `)
  if (ts.isPropertyDeclaration(member))
    return `${doc.join('')}readonly ${member.name.getText()}: ${typeOf(member, checker)}`
  const hasBody =
    ts.isMethodDeclaration(member) || ts.isConstructorDeclaration(member) || ts.isAccessor(member)
  return doc.join('') + publicText(member, hasBody ? member.body : undefined)
}

function isPrivate(member: ts.ClassElement): boolean {
  return (
    (member.name !== undefined && ts.isPrivateIdentifier(member.name)) ||
    (ts.getCombinedModifierFlags(member) & ts.ModifierFlags.Private) !== 0
  )
}

/** The text of a node up to what is inside of it, without `export`. */
function publicText(node: ts.Node, inside?: ts.Node): string {
  const text = node.getText().slice(0, inside === undefined ? undefined : inside.getStart() - node.getStart())
  return text
    .replace(/^export (declare )?/, '')
    .replace(/^async /, '')
    .trim()
}
