import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { fault } from './fault.ts'
import { projectRoot } from './run-tool.ts'

/**
 * Writes out, in bundled declarations, what types are said by schemas: `z.infer<typeof FlagFile>` becomes the type itself,
 * and the schemas go. Users have no zod.
 */
export function writeOutSchemas(files: readonly string[]): void {
  const withSchemas = files.filter((file) => /from 'zod'|import 'zod'/.test(readFileSync(file, 'utf8')))
  const program = ts.createProgram(withSchemas, {
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    target: ts.ScriptTarget.ES2023,
    strict: true,
    exactOptionalPropertyTypes: true,
    types: [],
    paths: { zod: [join(projectRoot, 'node_modules', 'zod')] },
  })
  for (const file of withSchemas) {
    const source = program.getSourceFile(file)
    if (source) writeFileSync(file, writeOut(source, program.getTypeChecker()))
  }
}

interface Edit {
  readonly from: number
  readonly to: number
  readonly text: string
}

function writeOut(source: ts.SourceFile, checker: ts.TypeChecker): string {
  const edits: Edit[] = []
  const replace = (node: ts.Node, text: string) =>
    edits.push({ from: node.getStart(source), to: node.end, text })
  const visit = (node: ts.Node): void => {
    if (isSchema(node, source)) replace(node, '')
    else if (isInference(node, source)) replace(node, printType(node, checker))
    else ts.forEachChild(node, visit)
  }
  visit(source)
  const text = edits.reduceRight(
    (all, { from, to, text }) => all.slice(0, from) + text + all.slice(to),
    source.text,
  )
  if (/\bz\.\w/.test(text)) throw fault(`${source.fileName} still needs zod`, 'Say the type without a schema')
  return text
}

/** `import … 'zod'`, or `declare const X: z.…`. */
function isSchema(node: ts.Node, source: ts.SourceFile): boolean {
  if (ts.isImportDeclaration(node)) return node.moduleSpecifier.getText(source) === "'zod'"
  return ts.isVariableStatement(node) && /: z\./.test(node.getText(source))
}

function isInference(node: ts.Node, source: ts.SourceFile): node is ts.TypeReferenceNode {
  return ts.isTypeReferenceNode(node) && /^z\.(infer|input|output)$/.test(node.typeName.getText(source))
}

function printType(node: ts.TypeReferenceNode, checker: ts.TypeChecker): string {
  const flags = ts.NodeBuilderFlags.NoTruncation | ts.NodeBuilderFlags.InTypeAlias
  const type = checker.typeToTypeNode(checker.getTypeFromTypeNode(node), node, flags)
  if (!type) throw fault(`${node.getText()} cannot be written out`, 'Say the type without a schema')
  return ts.createPrinter().printNode(ts.EmitHint.Unspecified, type, node.getSourceFile())
}
