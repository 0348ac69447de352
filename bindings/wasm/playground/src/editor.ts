/** The editor: CodeMirror with what the evaluator knows of a text. */
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap, type Completion, type CompletionContext, type CompletionResult } from '@codemirror/autocomplete'
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands'
import { HighlightStyle, bracketMatching, indentOnInput, indentUnit, syntaxHighlighting } from '@codemirror/language'
import { lintGutter, lintKeymap, linter, type Diagnostic } from '@codemirror/lint'
import { highlightSelectionMatches, searchKeymap } from '@codemirror/search'
import { EditorState, StateEffect, StateField, type Extension } from '@codemirror/state'
import { Decoration, EditorView, drawSelection, highlightActiveLine, highlightSpecialChars, hoverTooltip, keymap, lineNumbers, type DecorationSet } from '@codemirror/view'
import { tags } from '@lezer/highlight'
import { nixLanguage } from '@replit/codemirror-lang-nix'
import type { Client } from './client'
import { element } from './dom'
import type { Files } from './protocol'
import { inScope, namesAround, nodeAt, readTree, subject } from './syntax'

const colours = HighlightStyle.define([
  { tag: tags.comment, color: 'var(--comment)', fontStyle: 'italic' },
  { tag: [tags.string, tags.special(tags.string)], color: 'var(--string)' },
  { tag: [tags.keyword, tags.controlKeyword, tags.definitionKeyword, tags.operatorKeyword], color: 'var(--keyword)' },
  { tag: [tags.number, tags.integer, tags.float, tags.bool, tags.null], color: 'var(--number)' },
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: 'var(--name)' },
  { tag: tags.standard(tags.variableName), color: 'var(--builtin)' },
  { tag: [tags.url, tags.literal], color: 'var(--string)' },
  { tag: tags.escape, color: 'var(--number)' },
])

/** A part of the text that is pointed at from elsewhere. */
export const point = StateEffect.define<{ from: number; to: number } | null>()
const pointed = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(marks, transaction) {
    let now = marks.map(transaction.changes)
    for (const effect of transaction.effects) {
      if (!effect.is(point)) continue
      const range = effect.value
      now = range && range.from < range.to ? Decoration.set(Decoration.mark({ class: 'pointed' }).range(range.from, range.to)) : Decoration.none
    }
    return now
  },
  provide: (field) => EditorView.decorations.from(field),
})

export interface Surroundings {
  assistant: Client
  files: () => Files
  path: () => string
  onChange: (text: string) => void
  onProblems: (problems: readonly Diagnostic[]) => void
  onRun: () => void
}

interface Doc {
  usage: string
  text: string
}

let docs: Promise<Map<string, Doc>> | undefined

/** What builtins do; fetched when it is first wanted. */
export function documentation(): Promise<Map<string, Doc>> {
  docs ??= import('./builtins.txt?raw').then(({ default: text }) => {
    const rows = text.split('\n').filter((line) => line.includes('|'))
    return new Map(
      rows.map((line) => {
        const [usage = '', text = ''] = line.split('|')
        return [usage.split(' ')[0] ?? '', { usage, text }]
      }),
    )
  })
  return docs
}

async function tree(around: Surroundings, text: string) {
  const dump = await around.assistant.ask('explain', { files: { text }, path: 'text', view: 'tree' })
  return readTree(dump, text)
}

function hover(around: Surroundings): Extension {
  return hoverTooltip(async (view, at) => {
    const text = view.state.doc.toString()
    const root = await tree(around, text)
    const found = subject(root, at, text)
    if (!found) return null
    const known = found.builtin === undefined ? undefined : (await documentation()).get(found.builtin)
    const probe = known ? null : await around.assistant.ask('probe', { files: around.files(), text: found.program })
    if (!known && !probe) return null
    const create = () => {
      const dom = element('div', { class: 'tip' })
      if (known) dom.append(element('code', {}, `builtins.${known.usage}`), element('p', {}, known.text))
      else if (probe) {
        dom.append(element('code', {}, found.name), ' : ', element('b', {}, probe.kind))
        if (probe.text) dom.append(element('p', {}, element('code', {}, probe.text)))
        if (probe.names.length > 0) dom.append(element('p', {}, probe.names.slice(0, 12).join(' ') + (probe.names.length > 12 ? ' …' : '')))
        if (probe.doc) dom.append(element('p', {}, probe.doc))
      }
      return { dom }
    }
    return { pos: found.from, end: found.to, above: true, create }
  }, { hoverTime: 250 })
}

async function complete(around: Surroundings, context: CompletionContext): Promise<CompletionResult | null> {
  const word = context.matchBefore(/[A-Za-z_][\w'-]*/)
  const from = word?.from ?? context.pos
  const before = context.state.sliceDoc(Math.max(0, from - 1), from)
  if (!word && before !== '.' && !context.explicit) return null
  const text = context.state.doc.toString()
  // A text that lacks a name here would not be the program that it will be.
  const whole = word ? text : `${text.slice(0, context.pos)}x${text.slice(context.pos)}`
  const root = await tree(around, whole)
  const node = nodeAt(root, from)
  const holder = node.parent
  if (before === '.' && holder?.kind === 'Name' && holder.parent?.kind === 'SelectExpr') {
    const select = holder.parent
    const set = whole.slice(select.from, from - 1)
    const probe = await around.assistant.ask('probe', { files: around.files(), text: inScope(select, set, whole) })
    if (!probe || probe.names.length === 0) return null
    const known = set === 'builtins' ? await documentation() : undefined
    const options = probe.names.map((name) => option(name, known?.get(name), 'property'))
    return { from, options, validFor: /^[\w'-]*$/ }
  }
  if (holder?.kind !== 'Var') return null
  const known = await documentation()
  const globals = await around.assistant.ask('globals', null)
  const local = namesAround(holder)
  const options = [
    ...local.map((name): Completion => ({ label: name, type: 'variable', boost: 2 })),
    ...globals.filter((name) => !name.startsWith('__')).map((name) => option(name, known.get(name), 'function')),
    ...['let', 'in', 'with', 'rec', 'inherit', 'if', 'then', 'else', 'assert'].map((label): Completion => ({ label, type: 'keyword', boost: -1 })),
  ]
  return { from, options, validFor: /^[\w'-]*$/ }
}

function option(label: string, doc: Doc | undefined, type: string): Completion {
  return doc ? { label, type, detail: doc.usage.slice(label.length), info: doc.text } : { label, type }
}

function lints(around: Surroundings): Extension {
  return linter(
    async (view): Promise<Diagnostic[]> => {
      const text = view.state.doc.toString()
      const found = await around.assistant.ask('check', { files: { text }, path: 'text' })
      const problems = found.map((diagnostic): Diagnostic => {
        const { from, to, severity, message, hint, fix } = diagnostic
        const problem: Diagnostic = {
          // What is of no width would not be seen.
          from: Math.min(from, text.length), to: Math.min(Math.max(to, from + 1), text.length), severity,
          message: hint ? `${message}\n${hint}` : message, source: diagnostic.rule,
        }
        if (!fix || fix.length === 0) return problem
        const apply = (view: EditorView): void => view.dispatch({ changes: fix })
        return { ...problem, actions: [{ name: 'Mend', apply }] }
      })
      around.onProblems(problems)
      return problems
    },
    { delay: 250 },
  )
}

export function state(text: string, around: Surroundings): EditorState {
  return EditorState.create({
    doc: text,
    extensions: [
      lineNumbers(), lintGutter(), highlightSpecialChars(), history(), drawSelection(), indentOnInput(), indentUnit.of('  '),
      bracketMatching(), closeBrackets(), highlightActiveLine(), highlightSelectionMatches(), EditorView.lineWrapping,
      nixLanguage, syntaxHighlighting(colours), pointed, lints(around), hover(around),
      autocompletion({ override: [(context) => complete(around, context)] }),
      EditorView.contentAttributes.of({ 'aria-label': 'Nix program', autocapitalize: 'off', spellcheck: 'false' }),
      EditorView.updateListener.of((update) => {
        if (update.docChanged) around.onChange(update.state.doc.toString())
      }),
      keymap.of([
        { key: 'Mod-Enter', run: () => (around.onRun(), true) },
        ...closeBracketsKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap, ...completionKeymap, ...lintKeymap, indentWithTab,
        // For who has no mouse: Escape, then Tab, leaves the editor.
        { key: 'Escape', run: (view) => (view.setTabFocusMode(2000), true) },
      ]),
    ],
  })
}
