/** The page: puts editor, results and workers together. */
import { EditorView } from '@codemirror/view'
import type { Diagnostic } from '@codemirror/lint'
import moduleUrl from '@frazil/wasm/module.wasm?url'
import type { Counts, Force, Limits } from '@frazil/wasm/web'
import { Client, Failed, Stopped } from './client'
import { byId, element, tabKeys } from './dom'
import { point, state, type Surroundings } from './editor'
import { draw } from './graph'
import { lessons } from './lessons'
import type { DrvRow, Failure, Files, Mounted, Outcome } from './protocol'
import { fromFragment, toFragment } from './share'
import { delayed, readTree } from './syntax'
import { ValueTree, summary } from './values'

declare const HAS_LIB: boolean

const VIEWS = ['Value', 'Nix', 'JSON', 'Derivations', 'Messages', 'Tokens', 'Tree', 'Bytecode', 'Steps', 'Statistics'] as const
type ViewName = (typeof VIEWS)[number]

/** Hosts that know no type for modules serve them all the same. */
async function compile(): Promise<WebAssembly.Module> {
  const response = await fetch(moduleUrl)
  return response.headers.get('content-type') === 'application/wasm' ? WebAssembly.compileStreaming(response) : WebAssembly.compile(await response.arrayBuffer())
}

const module = compile()
const mounted: Mounted[] = []
/** Evaluates; may be stopped at any time. */
const evaluator = new Client(module, mounted)
/** Answers while somebody types, also when the other is at work. */
const assistant = new Client(module, mounted)

let files: Files = {}
let path = 'main.nix'
let view: ViewName = 'Value'
let outcome: Outcome | undefined
let failure: Failure | undefined
let running = false
/** Counts what was asked for, so that late answers are dropped. */
let turn = 0
const messages: { kind: string; text: string }[] = []

const status = byId('status')
const panel = byId('view')

// ---- editor -----------------------------------------------------------------------------------------

let editor: EditorView | undefined

const surroundings: Surroundings = {
  assistant,
  files: () => files,
  path: () => path,
  onChange(text) {
    files[path] = text
    byId<HTMLSelectElement>('lesson').value = ''
    if (isInside(view)) void show()
  },
  onProblems: showProblems,
  onRun: () => void run(),
}


function openFile(name: string): void {
  path = name
  editor?.setState(state(files[name] ?? '', surroundings))
  showFiles()
  if (isInside(view)) void show()
}

function showFiles(): void {
  const tabs = Object.keys(files).map((name) => {
    const tab = element('button', {
      role: 'tab', 'aria-selected': name === path, 'aria-controls': 'editor', tabindex: name === path ? 0 : -1, click: () => openFile(name),
      dblclick: () => rename(name),
      keydown: (event: KeyboardEvent) => {
        if (event.key === 'Delete') removeFile(name)
        if (event.key === 'F2') rename(name)
      },
    }, name)
    return tab
  })
  byId('files').replaceChildren(...tabs)
  byId('remove-file').hidden = path === 'main.nix'
}

function removeFile(name: string): void {
  if (name === 'main.nix' || !confirm(`Remove ${name}?`)) return
  delete files[name]
  openFile('main.nix')
}

function askName(title: string, name: string): string | undefined {
  const wanted = prompt(title, name)?.trim()
  if (!wanted || wanted === name) return undefined
  if (wanted.startsWith('/') || wanted.split('/').includes('..') || wanted in files) {
    say('error', `a file cannot be called '${wanted}' here`)
    return undefined
  }
  return wanted
}

function rename(name: string): void {
  if (name === 'main.nix') return
  const wanted = askName('The file’s name', name)
  if (!wanted) return
  files = Object.fromEntries(Object.entries(files).map(([other, text]) => [other === name ? wanted : other, text]))
  openFile(wanted)
}

function showProblems(problems: readonly Diagnostic[]): void {
  const rows = problems.slice(0, 4).map((problem) => {
    const line = editor?.state.doc.lineAt(problem.from).number ?? 1
    return element('button', { class: `problem ${problem.severity}`, click: () => goTo(problem.from, problem.to) },
      element('span', { class: 'where' }, `line ${line}`), ' ', problem.message.split('\n')[0] ?? '')
  })
  if (problems.length > 4) rows.push(element('button', { class: 'problem', disabled: true }, `and ${problems.length - 4} more`))
  byId('problems').replaceChildren(...rows)
}

function goTo(from: number, to = from): void {
  editor?.dispatch({ selection: { anchor: from, head: to }, scrollIntoView: true })
  editor?.focus()
}

/** Goes to a place in a file of the editor, whose column counts bytes. */
function goToPlace(file: string, line: number, column: number): void {
  const name = file.replace(/^\//, '')
  if (!(name in files)) return
  if (name !== path) openFile(name)
  const at = offset(files[name] ?? '', line, column)
  goTo(at, at)
}

function offset(text: string, line: number, column: number): number {
  const lines = text.split('\n')
  const before = lines.slice(0, line - 1).reduce((sum, line) => sum + line.length + 1, 0)
  const bytes = new TextEncoder().encode(lines[line - 1] ?? '').slice(0, column - 1)
  return before + new TextDecoder().decode(bytes).length
}

// ---- evaluation -------------------------------------------------------------------------------------

function limits(): Limits {
  const number = (id: string): number => byId<HTMLInputElement>(id).valueAsNumber
  const or = (value: number, otherwise: number): number => (Number.isFinite(value) && value > 0 ? value : otherwise)
  return {
    seconds: or(number('limit-seconds'), 60),
    memoryMiB: Math.round(or(number('limit-memory'), 1536)),
    steps: Math.round(or(number('limit-steps'), 20000) * 1e6),
    depth: Math.round(or(number('limit-depth'), 10000)),
  }
}

function say(kind: '' | 'busy' | 'ok' | 'error', text: string): void {
  status.className = `status ${kind}`
  status.textContent = text
}

function setRunning(now: boolean): void {
  running = now
  byId<HTMLButtonElement>('run').disabled = now
}

// Opening a value may take as long as the evaluation itself.
evaluator.onBusy = (busy) => {
  byId<HTMLButtonElement>('stop').disabled = !busy
  document.body.classList.toggle('running', busy)
}

evaluator.onEvent = (kind, text) => {
  messages.push({ kind, text })
  if (messages.length === 1) showTabs()
}

async function run(): Promise<void> {
  if (running) return
  const mine = ++turn
  setRunning(true)
  messages.length = 0
  outcome = failure = undefined
  say('busy', 'Evaluating…')
  try {
    outcome = await evaluator.ask('evaluate', { files, limits: limits() })
    const { milliseconds, counts } = outcome
    say('ok', said(milliseconds, counts))
  } catch (error) {
    fail(error)
  } finally {
    if (mine === turn) setRunning(false)
  }
  if (isInside(view) && !failure) view = 'Value'
  if (failure && !isInside(view)) view = 'Value'
  await show()
}

function said(milliseconds: number, { forced, calls }: Counts): string {
  const many = (n: number, noun: string): string => `${n.toLocaleString('en')} ${noun}${n === 1 ? '' : 's'}`
  return `${timed(milliseconds)}, ${many(forced, 'thunk')} forced, ${many(calls, 'call')}`
}

function timed(milliseconds: number): string {
  return milliseconds < 1000 ? `${milliseconds.toFixed(milliseconds < 10 ? 1 : 0)} ms` : `${(milliseconds / 1000).toFixed(2)} s`
}

/** Says an error that an evaluation ended with. */
function fail(error: unknown): void {
  if (error instanceof Stopped) return say('error', 'Stopped')
  failure = error instanceof Failed ? error.failure : { code: '', message: String(error), labels: [], codeframe: String(error), full: String(error) }
  say('error', limit(failure.code) ?? 'Error')
}

function limit(code: string): string | undefined {
  return {
    FRAZIL_TIME: 'Stopped: it took longer than the limit of seconds',
    FRAZIL_STEPS: 'Stopped: it took more steps than the limit',
    FRAZIL_MEMORY: 'Stopped: it needed more memory than the limit',
    FRAZIL_CALL_DEPTH: 'Stopped: calls were nested deeper than the limit',
    FRAZIL_INTERNAL: 'The evaluator failed, and was started anew',
  }[code]
}

function stop(): void {
  turn++
  evaluator.stop()
  outcome = undefined
  setRunning(false)
  say('error', 'Stopped')
  void show()
}

// ---- views ------------------------------------------------------------------------------------------

/** Views of the text, which need no evaluation. */
const isInside = (view: ViewName): boolean => view === 'Tokens' || view === 'Tree' || view === 'Bytecode' || view === 'Steps'

function showTabs(): void {
  const tabs: HTMLElement[] = VIEWS.map((name) =>
    element('button', {
      role: 'tab', id: `tab-${name}`, 'aria-selected': name === view, 'aria-controls': 'view', tabindex: name === view ? 0 : -1,
      class: isInside(name) || name === 'Statistics' ? 'inside' : '',
      click: () => {
        view = name
        void show()
        byId(`tab-${name}`).focus()
      },
    }, name === 'Messages' && messages.length > 0 ? `Messages (${messages.length})` : name),
  )
  // Those that look inside have a row of their own where there is no room for one.
  tabs.splice(VIEWS.indexOf('Tokens'), 0, element('span', { class: 'break', role: 'presentation' }))
  byId('views').replaceChildren(...tabs)
  panel.setAttribute('aria-labelledby', `tab-${view}`)
}

async function show(): Promise<void> {
  const mine = turn
  const wanted = view
  showTabs()
  editor?.dispatch({ effects: point.of(null) })
  const current = (): boolean => mine === turn && wanted === view
  try {
    const content = await contentOf(wanted)
    if (current()) panel.replaceChildren(...content)
  } catch (error) {
    if (!current()) return
    if (error instanceof Stopped) return panel.replaceChildren()
    panel.replaceChildren(...errorView(error instanceof Failed ? error.failure : undefined, String(error)))
    if (error instanceof Failed) say('error', limit(error.failure.code) ?? 'Error')
  }
}

function errorView(failure: Failure | undefined, text = ''): HTMLElement[] {
  if (!failure) return [element('pre', { class: 'error' }, text)]
  const places = failure.labels.map(({ file, line, column }) =>
    element('button', { class: 'place', click: () => goToPlace(file, line, column) }, `${file.replace(/^\//, '')}:${line}:${column}`))
  const whole = element('details', {}, element('summary', {}, 'The whole trace'), element('pre', {}, failure.full))
  const parts: HTMLElement[] = [element('pre', { class: 'error' }, failure.codeframe)]
  if (places.length > 0) parts.push(element('p', {}, 'At ', ...places))
  if (failure.full !== failure.codeframe) parts.push(whole)
  return parts
}

const hint = (text: string): HTMLElement[] => [element('p', { class: 'hint' }, text)]

async function contentOf(view: ViewName): Promise<HTMLElement[]> {
  switch (view) {
    case 'Messages':
      return messages.length > 0 ? [element('ol', { class: 'messages' }, ...messages.slice(0, 1000).map(({ kind, text }) => element('li', { class: kind }, element('b', {}, kind), ' ', text)))]
        : hint('What builtins.trace and warnings say comes here.')
    case 'Tokens':
      return tokens(await assistant.ask('explain', { files, path, view: 'tokens' }))
    case 'Tree':
      return syntaxTree(await assistant.ask('explain', { files, path, view: 'tree' }))
    case 'Bytecode':
      return [element('pre', { class: 'code' }, await assistant.ask('explain', { files, path, view: 'bytecode' }))]
    case 'Steps':
      return steps()
    default:
  }
  if (failure) return errorView(failure)
  if (!outcome) return hint(running ? 'It is being evaluated.' : 'Nothing is evaluated yet.')
  const { root } = outcome
  switch (view) {
    case 'Value':
      return [new ValueTree(evaluator, root, () => void showCounts()).element, ...(root.kind === 'set' || root.kind === 'list' ? hint('… is not evaluated yet: open it to force it.') : [])]
    case 'Nix':
    case 'JSON':
      return [element('pre', { class: 'code' }, cut(await evaluator.ask('render', { value: root.value, form: view === 'Nix' ? 'nix' : 'json' })))]
    case 'Derivations':
      return derivations(root.value)
    case 'Statistics':
      return statistics()
  }
  return []
}

function cut(text: string): string {
  return text.length > 500_000 ? `${text.slice(0, 500_000)}… (${text.length.toLocaleString('en')} characters in all)` : text
}

async function showCounts(): Promise<void> {
  if (!outcome || running) return
  const { counts } = await evaluator.ask('counts', null)
  say('ok', said(outcome.milliseconds, counts))
}

async function statistics(): Promise<HTMLElement[]> {
  const { counts, memory } = await evaluator.ask('counts', null)
  const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`
  const rows: [string, string][] = [
    ['Time', timed(outcome?.milliseconds ?? 0)],
    ['Thunks made', counts.thunks.toLocaleString('en')],
    ['Thunks forced', counts.forced.toLocaleString('en')],
    ['Calls of functions', counts.calls.toLocaleString('en')],
    ['Calls of builtins', counts.builtinCalls.toLocaleString('en')],
    ['Files read', counts.files.toLocaleString('en')],
    ['Derivations', counts.derivations.toLocaleString('en')],
    ['Values made', mebibytes(counts.allocatedBytes)],
    ['Heap', mebibytes(counts.reservedBytes)],
    ['Memory of the module', mebibytes(memory)],
  ]
  return [element('table', { class: 'counts' }, ...rows.map(([name, value]) => element('tr', {}, element('th', { scope: 'row' }, name), element('td', {}, value))))]
}

// ---- a look inside ----------------------------------------------------------------------------------

const TOKEN = /^(\w+)@(\d+)\.\.(\d+) (".*")$/

function tokens(dump: string): HTMLElement[] {
  const lines = dump.trimEnd().split('\n').slice(0, 5000)
  const chips = lines.map((line) => {
    const [, kind = '', from = '', to = '', text = ''] = TOKEN.exec(line) ?? []
    const isTrivia = kind === 'Whitespace' || kind.includes('Comment')
    return element('li', { class: isTrivia ? 'token trivia' : 'token', title: `bytes ${from} to ${to}` }, element('code', {}, text.slice(1, -1)), element('span', {}, kind))
  })
  return [element('ol', { class: 'tokens', 'aria-label': 'Tokens' }, ...chips)]
}

function syntaxTree(dump: string): HTMLElement[] {
  const rows = dump.trimEnd().split('\n').slice(0, 5000).map((line) => {
    const [, indent = '', kind = '', range = '', text = ''] = /^( *)(\w+)@(\S+)(?: (".*"))?$/.exec(line) ?? []
    return element('div', { style: `padding-left:${0.6 * indent.length}em`, class: text ? 'leaf' : 'branch' },
      element('b', {}, kind), ' ', element('span', { class: 'range' }, range), ' ', element('code', {}, text))
  })
  return [element('div', { class: 'syntax' }, ...rows)]
}

/** Forcing, step by step: which delayed expressions were evaluated, in which order, inside of which others. */
async function steps(): Promise<HTMLElement[]> {
  const { forces, failure } = await evaluator.ask('forces', { files, limits: limits(), room: 2000 })
  if (forces.length === 0) return hint('Nothing was forced: the program is a value already.')
  let at = 0
  const list = element('ol', { class: 'forces', 'aria-label': 'Forced expressions' })
  const counter = element('span', { role: 'status' })
  const trees = new Map<string, ReturnType<typeof readTree>>()
  for (const [name] of Object.entries(files)) trees.set(name, readTree(await assistant.ask('explain', { files, path: name, view: 'tree' }), files[name] ?? ''))
  const place = (force: Force): { name: string; from: number; to: number } | undefined => {
    const name = force.position?.file.replace(/^\//, '') ?? ''
    const tree = trees.get(name)
    if (!force.position || !tree) return undefined
    return { name, ...delayed(tree, offset(files[name] ?? '', force.position.line, force.position.column), force.kind === 'list') }
  }
  const base = Math.min(...forces.map(({ depth }) => depth))
  const go = (to: number): void => {
    at = Math.max(0, Math.min(forces.length - 1, to))
    const range = place(forces[at]!)
    if (range && range.name !== path) openFile(range.name)
    editor?.dispatch({ effects: [point.of(range ?? null), ...(range ? [EditorView.scrollIntoView(range.from)] : [])] })
    list.querySelector('[aria-current]')?.removeAttribute('aria-current')
    const row = list.children[at]
    row?.setAttribute('aria-current', 'step')
    row?.scrollIntoView({ block: 'nearest' })
    counter.textContent = `Step ${at + 1} of ${forces.length}`
    buttons[0]!.disabled = buttons[1]!.disabled = at === 0
    buttons[2]!.disabled = at === forces.length - 1
  }
  const button = (text: string, label: string, to: () => number): HTMLButtonElement => element('button', { 'aria-label': label, click: () => go(to()) }, text)
  const buttons = [button('|◀', 'First step', () => 0), button('◀', 'Step back', () => at - 1), button('▶', 'Next step', () => at + 1)]
  forces.forEach((force, i) => {
    const range = place(force)
    const source = range ? (files[range.name] ?? '').slice(range.from, range.to).replace(/\s+/g, ' ') : '(inside of the evaluator)'
    const shown = source.length > 60 ? `${source.slice(0, 59)}…` : source
    list.append(element('li', { style: `--depth:${Math.min(force.depth - base, 24)}`, click: () => go(i) },
      element('code', {}, shown), force.kind === 'thunk' ? element('span', { class: 'value error' }, 'failed') : summary(force)))
  })
  const controls = element('div', { class: 'row controls' }, ...buttons, counter)
  queueMicrotask(() => requestAnimationFrame(() => go(0)))
  const more = forces.length === 2000 ? hint('Only the first 2,000 are shown.') : []
  return [controls, list, ...more, ...(failure ? errorView(failure) : [])]
}

// ---- derivations ------------------------------------------------------------------------------------

async function derivations(value: number): Promise<HTMLElement[]> {
  const { rows, more } = await evaluator.ask('derivations', { value, count: 200 })
  if (rows.length === 0) return hint('The value is no derivation and holds none.')
  const text = element('pre', { class: 'code drv', tabindex: 0, 'aria-label': 'Text of the derivation', hidden: true })
  const pick = async (path: string): Promise<void> => {
    const drv = await evaluator.ask('drv', { path })
    text.hidden = false
    text.replaceChildren(element('b', {}, path), '\n\n', readable(drv))
    text.scrollIntoView({ block: 'nearest' })
  }
  const picture = element('div', {})
  const table = element('table', { class: 'drvs' },
    element('thead', {}, element('tr', {}, ...['Attribute', 'Name', 'System', 'Derivation'].map((name) => element('th', { scope: 'col' }, name)))),
    element('tbody', {}, ...rows.map((row) => tableRow(row, (path) => void pick(path), (path) => void graph([path])))))
  const graph = async (roots: string[]): Promise<void> => {
    const found = await evaluator.ask('closure', { paths: roots })
    const drawing = await draw(found, roots, (path) => void pick(path))
    picture.replaceChildren(element('h2', {}, `What ${roots.length === 1 ? 'it needs' : 'they need'}: ${drawing.note}`), drawing.element)
  }
  const roots = rows.flatMap(({ drvPath }) => (drvPath ? [drvPath] : []))
  if (roots.length > 0) await graph(roots.slice(0, 20))
  return [element('div', { class: 'wide', tabindex: 0, role: 'region', 'aria-label': 'Derivations' }, table), ...(more ? hint('There are more; these are the first 200.') : []), picture, text]
}

function tableRow(row: DrvRow, onText: (path: string) => void, onGraph: (path: string) => void): HTMLElement {
  const { attr, name = '', system = '', drvPath, error } = row
  const last = drvPath
    ? element('td', {}, element('code', { class: 'path' }, drvPath), ' ',
        element('button', { 'aria-label': `.drv of ${name}`, click: () => onText(drvPath) }, '.drv'), ' ',
        element('button', { 'aria-label': `graph of ${name}`, click: () => onGraph(drvPath) }, 'graph'))
    : element('td', { class: 'error' }, error ?? '')
  return element('tr', {}, element('td', {}, attr || 'the value'), element('td', {}, name), element('td', {}, system), last)
}

/** The text of a `.drv` with a line for each part. */
function readable(drv: string): string {
  return drv.replaceAll('),(', '),\n  (').replaceAll('],[', '],\n[').replaceAll('"],"', '"],\n"')
}

// ---- trees of files ---------------------------------------------------------------------------------

async function mountArchive(blob: Blob, name: string, quietly = false): Promise<void> {
  const progress = byId<HTMLProgressElement>('archive-progress')
  const text = byId('trees-state')
  progress.hidden = false
  if (!quietly) openDrawer('trees', true)
  // It unpacks in a worker of its own, which is gone afterwards.
  const unpacker = new Client(module, [])
  const begin = performance.now()
  try {
    text.textContent = `Unpacking ${name}…`
    unpacker.onProgress = (bytes, files) => (text.textContent = `Unpacking ${name}: ${files.toLocaleString('en')} files, ${(bytes / 2 ** 20).toFixed(0)} MiB`)
    const { contents, entries } = await unpacker.ask('unpack', blob)
    const tree: Mounted = { name: 'nixpkgs', directory: '/nixpkgs', contents, entries }
    mounted.splice(0, mounted.length, tree)
    await Promise.all([evaluator.ask('mount', tree), assistant.ask('mount', tree)])
    text.textContent = `<nixpkgs> is ${name}: ${entries.length.toLocaleString('en')} files, ${(contents.size / 2 ** 20).toFixed(1)} MiB, in ${timed(performance.now() - begin)}`
    byId('trees-button').classList.add('loaded')
  } catch (error) {
    text.textContent = `${name} could not be unpacked: ${error instanceof Error ? error.message : String(error)}`
  } finally {
    unpacker.stop()
    progress.hidden = true
  }
}

async function fetchArchive(url: string, name: string, quietly = false): Promise<void> {
  const text = byId('trees-state')
  text.textContent = `Fetching ${name}…`
  try {
    const response = await fetch(url)
    if (!response.ok) throw new Error(`the server answers ${response.status}`)
    await mountArchive(await response.blob(), name, quietly)
  } catch (error) {
    text.textContent = `${name} could not be fetched: ${error instanceof TypeError ? 'there is no connection, or its server does not let pages of other sites read it' : String(error)}`
  }
}

async function loadLib(quietly = false): Promise<void> {
  await fetchArchive('nixpkgs-lib.tar.gz', 'Nixpkgs’ lib', quietly)
}

function openDrawer(id: 'trees' | 'limits', open: boolean): void {
  byId(id).hidden = !open
  byId(`${id}-button`).setAttribute('aria-expanded', String(open))
}

// ---- the page ---------------------------------------------------------------------------------------

function openLesson(id: string): void {
  const lesson = lessons.find((lesson) => lesson.id === id) ?? lessons[0]
  if (!lesson) return
  files = { ...lesson.files }
  byId<HTMLSelectElement>('lesson').value = lesson.id
  showAbout(lesson.about)
  view = lesson.id.includes('derivations') ? 'Derivations' : 'Value'
  openFile('main.nix')
}

/** A text of paragraphs, with code between backticks. */
function showAbout(text: string): void {
  const paragraphs = text.split(/\n\n+/).filter(Boolean).map((paragraph) =>
    element('p', {}, ...paragraph.split('`').map((part, i) => (i % 2 === 1 ? element('code', {}, part) : part.replaceAll('\n', ' ')))))
  byId('about').replaceChildren(...paragraphs)
}

function theme(dark: boolean): void {
  document.documentElement.dataset.theme = dark ? 'dark' : 'light'
  byId('theme').setAttribute('aria-pressed', String(dark))
}

async function needLib(): Promise<void> {
  const uses = Object.values(files).some((text) => text.includes('<nixpkgs/lib'))
  if (HAS_LIB && uses && mounted.length === 0) await loadLib(true)
}

async function start(): Promise<void> {
  const kept = localStorage.getItem('theme')
  theme(kept ? kept === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches)
  const choice = byId<HTMLSelectElement>('lesson')
  choice.replaceChildren(...lessons.map(({ id, title }) => element('option', { value: id }, title)), element('option', { value: '', disabled: true }, 'Your own'))
  byId('add-file').before(element('button', { id: 'remove-file', 'aria-label': 'Remove this file', title: 'Remove this file', click: () => removeFile(path) }, '×'))
  editor = new EditorView({ parent: byId('editor') })
  // What scrolls is to be reached by keys.
  editor.scrollDOM.tabIndex = 0
  tabKeys(byId('files'))
  tabKeys(byId('views'))

  const shared = await fromFragment(location.hash)
  if (shared) {
    files = shared
    choice.value = ''
    openFile('main.nix')
  } else openLesson(location.hash.slice(1))
  showTabs()

  choice.addEventListener('change', () => {
    history.replaceState(null, '', `#${choice.value}`)
    openLesson(choice.value)
    void needLib().then(run)
  })
  addEventListener('hashchange', () => {
    void fromFragment(location.hash).then((shared) => {
      if (!shared) return
      files = shared
      choice.value = ''
      showAbout('')
      openFile('main.nix')
      void needLib().then(run)
    })
  })
  byId('run').addEventListener('click', () => {
    // On a phone the result is below the program.
    void run().then(() => innerWidth <= 820 && status.scrollIntoView({ block: 'center' }))
  })
  byId('stop').addEventListener('click', stop)
  byId('theme').addEventListener('click', () => {
    const dark = document.documentElement.dataset.theme !== 'dark'
    localStorage.setItem('theme', dark ? 'dark' : 'light')
    theme(dark)
  })
  byId('add-file').addEventListener('click', () => {
    const name = askName('The new file’s name', 'part.nix') ?? ('part.nix' in files ? undefined : 'part.nix')
    if (!name) return
    files[name] = '{ }\n'
    openFile(name)
  })
  byId('share').addEventListener('click', () => void share())
  for (const id of ['trees', 'limits'] as const) byId(`${id}-button`).addEventListener('click', () => openDrawer(id, byId(id).hasAttribute('hidden')))
  const lib = byId<HTMLButtonElement>('load-lib')
  lib.addEventListener('click', () => void loadLib())
  if (!HAS_LIB) {
    lib.disabled = true
    lib.textContent = 'This site has no Nixpkgs lib'
  }
  byId<HTMLInputElement>('archive-file').addEventListener('change', ({ target }) => {
    const file = (target as HTMLInputElement).files?.[0]
    if (file) void mountArchive(file, file.name)
  })
  byId('archive-form').addEventListener('submit', (event) => {
    event.preventDefault()
    const url = byId<HTMLInputElement>('archive-url').value
    void fetchArchive(url, new URL(url).pathname.split('/').pop() || url)
  })
  addEventListener('dragover', (event) => event.preventDefault())
  addEventListener('drop', (event) => {
    event.preventDefault()
    const file = event.dataTransfer?.files[0]
    if (file && /\.(tar|t?gz|zip)$/.test(file.name)) void mountArchive(file, file.name)
    else if (file) void file.text().then((text) => {
      files[file.name] = text
      openFile(file.name)
    })
  })
  await needLib()
  await run()
  if ('serviceWorker' in navigator && import.meta.env.PROD) await navigator.serviceWorker.register('sw.js')
}

async function share(): Promise<void> {
  const fragment = await toFragment(files)
  history.replaceState(null, '', fragment)
  try {
    await navigator.clipboard.writeText(location.href)
    say('ok', 'The link is copied; it holds the whole program')
  } catch {
    say('ok', 'The link is in the address bar; it holds the whole program')
  }
}

void start()
