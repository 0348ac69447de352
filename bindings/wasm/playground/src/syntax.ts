/** The lossless tree of a text, as the evaluator tells it, and what names mean in it. */

export interface SyntaxNode {
  kind: string
  from: number
  to: number
  /** Of tokens. */
  text?: string
  parent: SyntaxNode | undefined
  children: SyntaxNode[]
}

/** Numbers of bytes as numbers of a string's units. */
function units(text: string): (byte: number) => number {
  const bytes = new TextEncoder().encode(text)
  if (bytes.length === text.length) return (byte) => byte
  const at = new Uint32Array(bytes.length + 1)
  let unit = 0
  for (let i = 0; i < bytes.length; i++) {
    at[i] = unit
    const byte = bytes[i]!
    if ((byte & 0xc0) !== 0x80) unit += byte >= 0xf0 ? 2 : 1
  }
  at[bytes.length] = unit
  return (byte) => at[byte] ?? text.length
}

const LINE = /^( *)(\w+)@(\d+)\.\.(\d+)(?: (".*"))?$/

/** Reads the tree of a text. */
export function readTree(dump: string, text: string): SyntaxNode {
  const at = units(text)
  const root: SyntaxNode = { kind: 'File', from: 0, to: text.length, parent: undefined, children: [] }
  const path = [root]
  for (const line of dump.split('\n')) {
    const match = LINE.exec(line)
    if (!match) continue
    const depth = match[1]!.length / 2
    if (depth === 0) continue
    const [from, to] = [at(Number(match[3])), at(Number(match[4]))]
    path.length = depth
    const parent = path[depth - 1]!
    const node: SyntaxNode = { kind: match[2]!, from, to, parent, children: [] }
    if (match[5] !== undefined) node.text = text.slice(from, to)
    parent.children.push(node)
    path.push(node)
  }
  return root
}

/** The innermost node at a place; of two that meet there, the one with a name. */
export function nodeAt(root: SyntaxNode, at: number): SyntaxNode {
  let node = root
  for (;;) {
    const here = node.children.filter((child) => child.from <= at && at <= child.to && child.from < child.to)
    const inner = here.find((child) => child.kind !== 'Whitespace' && at < child.to) ?? here.find((child) => /Ident|Name|Var|Select/.test(child.kind)) ?? here[0]
    if (!inner) return node
    node = inner
  }
}

const solid = (node: SyntaxNode): SyntaxNode[] => node.children.filter((child) => !/^(Whitespace|Comment|LineComment|BlockComment)$/.test(child.kind))
const has = (node: SyntaxNode, kind: string): boolean => node.children.some((child) => child.kind === kind)
const isBinding = (node: SyntaxNode): boolean => node.kind === 'Binding' || node.kind === 'InheritBinding'

/** The program that has the value which `expression` has inside of `node`: in the scope of all that is bound around it. */
export function inScope(node: SyntaxNode, expression: string, text: string): string {
  let program = expression
  let child = node
  for (let around = node.parent; around; child = around, around = around.parent) {
    // With the comments between them.
    const ends = around.children.filter(({ kind }) => /^(Let|In|BraceOpen|BraceClose)$/.test(kind))
    const bindings = text.slice(ends[0]?.to, ends[1]?.from)
    if (around.kind === 'LetExpr' || (around.kind === 'SetExpr' && has(around, 'Rec'))) {
      program = `let ${bindings}\nin (${program})`
    } else if (around.kind === 'WithExpr') {
      const [, space] = solid(around)
      if (space && space !== child) program = `with ${text.slice(space.from, space.to)}; (${program})`
    } else if (around.kind === 'Lambda') {
      const pattern = around.children.find((part) => part.kind === 'Pattern')
      const defaults = pattern?.children.filter((formal) => has(formal, 'Question')) ?? []
      const bound = defaults.map((formal) => text.slice(formal.from, formal.to).replace('?', '=') + ';')
      if (bound.length > 0) program = `let ${bound.join(' ')} in (${program})`
    }
  }
  return program
}

/** Names that are bound around a place, innermost first. */
export function namesAround(node: SyntaxNode): string[] {
  const names: string[] = []
  const first = (binding: SyntaxNode): SyntaxNode[] =>
    binding.kind === 'InheritBinding' ? binding.children.filter((part) => part.kind === 'Name') : binding.children.filter((part) => part.kind === 'Name').slice(0, 1)
  for (let around = node.parent; around; around = around.parent) {
    if (around.kind === 'LetExpr' || (around.kind === 'SetExpr' && has(around, 'Rec'))) {
      names.push(...around.children.filter(isBinding).flatMap(first).map(nameOf))
    } else if (around.kind === 'Lambda') {
      const pattern = around.children.find((part) => part.kind === 'Pattern')
      names.push(...(pattern?.children.filter((part) => part.kind === 'Formal').map(nameOf) ?? []))
      names.push(...around.children.filter((part) => part.kind === 'Ident').map((part) => part.text ?? ''))
    }
  }
  return [...new Set(names.filter((name) => /^[A-Za-z_][\w'-]*$/.test(name)))]
}

function nameOf(node: SyntaxNode): string {
  return node.children.find((child) => child.kind === 'Ident')?.text ?? ''
}

export interface Subject {
  from: number
  to: number
  name: string
  program: string
  /** The builtin that it is, unless the program gives its name another meaning. */
  builtin: string | undefined
}

/** What is to be looked at for a place: a range, and the program that has its value. */
export function subject(root: SyntaxNode, at: number, text: string): Subject | undefined {
  const token = nodeAt(root, at)
  if (token.kind !== 'Ident' || !token.parent) return undefined
  const holder = token.parent
  const name = token.text ?? ''
  if (holder.kind === 'Var') {
    const builtin = namesAround(holder).includes(name) ? undefined : name.replace(/^__/, '')
    return { from: token.from, to: token.to, name, program: inScope(holder, name, text), builtin }
  }
  const owner = holder.parent
  if (holder.kind === 'Name' && owner?.kind === 'SelectExpr') {
    const path = text.slice(owner.from, token.to)
    const [, member] = /^builtins\s*\.\s*([\w']+)$/.exec(path) ?? []
    const builtin = namesAround(owner).includes('builtins') ? undefined : member
    return { from: owner.from, to: token.to, name: path, program: inScope(owner, path, text), builtin }
  }
  if (holder.kind === 'Name' && owner?.kind === 'Binding') {
    const names = owner.children.filter((part) => part.kind === 'Name')
    const value = solid(owner).at(has(owner, 'Semicolon') ? -2 : -1)
    if (names.at(-1) !== holder || !value) return undefined
    const set = owner.parent
    if (names.length === 1 && set && (set.kind === 'LetExpr' || has(set, 'Rec'))) {
      // By its name it keeps its comment.
      return { from: token.from, to: token.to, name, program: inScope(owner, name, text), builtin: undefined }
    }
    return { from: token.from, to: token.to, name, program: inScope(value, text.slice(value.from, value.to), text), builtin: undefined }
  }
  return undefined
}

/** The range of the delayed expression whose place in an error would be `at`; a list has that of its first element. */
export function delayed(root: SyntaxNode, at: number, isList: boolean): { from: number; to: number } {
  let node = nodeAt(root, at)
  const isSlot = (node: SyntaxNode, parent: SyntaxNode): boolean =>
    isBinding(parent) || parent.kind === 'ListExpr' || parent.kind === 'File' || parent.kind === 'ParenExpr' || parent.kind === 'Formal' ||
    (parent.kind === 'CallExpr' && parent.children[0] !== node)
  const up = (node: SyntaxNode): SyntaxNode => (node.parent && !isSlot(node, node.parent) ? up(node.parent) : node)
  node = up(node)
  const list = node.parent?.kind === 'ParenExpr' ? node.parent.parent : node.parent
  if (isList && list?.kind === 'ListExpr' && node.from - list.from < 4) node = up(list)
  return { from: node.from, to: node.to }
}
