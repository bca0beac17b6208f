import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import ts from 'typescript';

/** A module of `src`, and what it imports. */
export interface ModuleImports {
  /** Path below `src`, with `/`. */
  readonly file: string;
  readonly text: string;
  /** Modules of `src`, as paths like `file`. */
  readonly own: readonly string[];
  /** Packages and `node:` modules. */
  readonly foreign: readonly string[];
  /** Statements that the project's rules forbid. */
  readonly forbidden: readonly string[];
}

function specifierOf(node: ts.Node): string | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) {
    const { moduleSpecifier } = node;
    return moduleSpecifier !== undefined && ts.isStringLiteral(moduleSpecifier)
      ? moduleSpecifier.text
      : undefined;
  }
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
    return ts.isStringLiteral(node.argument.literal) ? node.argument.literal.text : undefined;
  }
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
    const [argument] = node.arguments;
    // An import that is computed cannot be checked, so it counts as one of nothing known.
    return argument !== undefined && ts.isStringLiteral(argument) ? argument.text : 'computed import()';
  }
  return undefined;
}

function forbiddenIn(node: ts.Node): string | undefined {
  if (ts.isExportAssignment(node)) return 'default export';
  if (ts.isExportDeclaration(node) && node.exportClause === undefined) return 'export *';
  const modifiers = ts.canHaveModifiers(node) ? (ts.getModifiers(node) ?? []) : [];
  const isDefault = modifiers.some(({ kind }) => kind === ts.SyntaxKind.DefaultKeyword);
  return isDefault ? 'default export' : undefined;
}

/** The imports of one module. */
export function importsOf(file: string, text: string): ModuleImports {
  const own: string[] = [];
  const foreign: string[] = [];
  const forbidden: string[] = posix.basename(file) === 'index.ts' ? ['barrel'] : [];
  const visit = (node: ts.Node): void => {
    const specifier = specifierOf(node);
    if (specifier?.startsWith('.') === true) {
      own.push(posix.join(posix.dirname(file), specifier).replace(/\.js$/, '.ts'));
    } else if (specifier !== undefined) {
      foreign.push(specifier);
    }
    const problem = forbiddenIn(node);
    if (problem !== undefined) forbidden.push(problem);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, text, ts.ScriptTarget.Latest));
  return { file, text, own, foreign, forbidden };
}

/** Every module below `src`. */
export function readModules(): readonly ModuleImports[] {
  const root = new URL('../../../src/', import.meta.url);
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => file.endsWith('.ts'))
    .map((file) => importsOf(file, readFileSync(new URL(file, root), 'utf8')));
}
