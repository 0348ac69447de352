// Drives the built site in Debian's Chromium, as its visitors would.
//
//   node playground.mjs SITE [--chromium PATH] [--archive NIXPKGS.tar.gz] [--oracle NIX-INSTANTIATE --nixpkgs DIR] [--native FRAZIL] [--pictures DIR]
//
// SITE is the folder in which the site was built. Prints what it measures, and `N passed, M failed`.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { serve } from './server.mjs'

const { values: given, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    chromium: { type: 'string', default: '/usr/bin/chromium' }, archive: { type: 'string' }, oracle: { type: 'string' },
    nixpkgs: { type: 'string' }, native: { type: 'string' }, pictures: { type: 'string' }, only: { type: 'string' },
  },
})
const site = positionals[0]
const require = createRequire(join(site, 'package.json'))
const { chromium } = require('playwright-core')
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8')

const work = mkdtempSync(join(tmpdir(), 'playground-'))
const files = { ...(given.archive && { '/nixpkgs.tar.gz': given.archive }) }
const server = await serve(join(site, 'dist'), files)
const browser = await chromium.launch({ executablePath: given.chromium, args: ['--no-sandbox'] })

let [passed, failed] = [0, 0]
const complaints = []

function assert(condition, message) {
  if (!condition) throw new Error(message)
}

function equal(found, wanted, what = '') {
  assert(found === wanted, `${what} is\n    ${JSON.stringify(found)}, not\n    ${JSON.stringify(wanted)}`)
}

/** A page of its own on the site, with what a test needs of it. */
async function open(fragment = '', options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options })
  await context.grantPermissions(['clipboard-read', 'clipboard-write'])
  const page = await context.newPage()
  page.setDefaultTimeout(15_000)
  page.on('pageerror', (error) => complaints.push(`page: ${error}`))
  page.on('console', (message) => {
    if (message.type() === 'error' && !/Failed to load resource|net::ERR/.test(message.text())) complaints.push(`console: ${message.text()}`)
  })
  await page.goto(`${server.origin}/${fragment}`)
  await page.waitForSelector('.status.ok, .status.error')
  return page
}

async function write(page, text) {
  await page.click('.cm-content')
  await page.keyboard.press('Control+a')
  await page.keyboard.press('Delete')
  await page.keyboard.insertText(text)
  await page.keyboard.press('Escape')
}

/** Evaluates what is in the editor; answers how it ended. */
async function run(page, timeout = 60_000) {
  await page.click('#run')
  await page.waitForSelector('body:not(.running) .status.ok, body:not(.running) .status.error', { timeout })
  return page.textContent('#status')
}

async function view(page, name) {
  await page.click(`#tab-${name}`)
  await page.waitForSelector(`#tab-${name}[aria-selected=true]`)
}

/** What a view shows once it shows what is wanted. */
async function shows(page, wanted, selector = '#view') {
  await page.waitForFunction(([selector, wanted]) => document.querySelector(selector)?.textContent?.includes(wanted), [selector, wanted]).catch(async () => {
    throw new Error(`${selector} shows\n    ${JSON.stringify((await page.textContent(selector))?.slice(0, 600))}, not\n    ${JSON.stringify(wanted)}`)
  })
}

async function valueOf(page, text) {
  await write(page, text)
  await run(page)
  await view(page, 'Nix')
  await page.waitForSelector('#view pre')
  return page.textContent('#view pre')
}

async function picture(page, name) {
  if (!given.pictures) return
  mkdirSync(given.pictures, { recursive: true })
  await page.screenshot({ path: join(given.pictures, `${name}.png`) })
}

async function test(name, body) {
  if (given.only && !name.includes(given.only)) return
  complaints.length = 0
  try {
    await body()
    assert(complaints.length === 0, complaints.join('\n    '))
    passed++
    console.log(`ok      ${name}`)
  } catch (error) {
    failed++
    console.log(`failed  ${name}: ${error.message}`)
    for (const context of browser.contexts()) for (const page of context.pages()) await page.screenshot({ path: join(work, `failed-${failed}.png`) }).catch(() => {})
    console.log(`        a picture is in ${work}`)
  } finally {
    for (const context of browser.contexts()) await context.close()
  }
}

const brotli = (path) => brotliCompressSync(readFileSync(path)).length

await test('the module and the first load are small, and the first result is there at once', async () => {
  const assets = join(site, 'dist/assets')
  const module = brotli(join(assets, readdirSync(assets).find((name) => name.endsWith('.wasm'))))
  console.log(`        module after brotli: ${module} bytes`)
  assert(module <= 450_000, `the module has ${module} bytes`)
  server.sent.clear()
  const page = await open()
  const first = await page.evaluate(() => performance.now())
  console.log(`        first result after ${first.toFixed(0)} ms`)
  await page.evaluate(() => navigator.serviceWorker.ready)
  await page.waitForTimeout(1500)
  const all = [...server.sent.values()].reduce((sum, bytes) => sum + bytes, 0)
  console.log(`        first load in all, with what is kept for offline: ${all} bytes`)
  assert(all <= 900_000, `the first load has ${all} bytes`)
  await picture(page, 'start')
})

await test('a sum is evaluated', async () => {
  const page = await open()
  await write(page, '1 + 1')
  await page.keyboard.press('Control+Enter')
  await shows(page, '2')
  equal(await page.textContent('#view .value.int'), '2')
})

const lessons = readdirSync(join(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '../lessons'))
const hasLib = readdirSync(join(site, 'dist')).includes('nixpkgs-lib.tar.gz')
for (const lesson of lessons) {
  await test(`lesson ${lesson}`, async () => {
    const folder = new URL(`../lessons/${lesson}/`, import.meta.url)
    const expected = readFileSync(new URL('expected', folder), 'utf8').trim()
    const main = readFileSync(new URL('main.nix', folder), 'utf8')
    if (main.includes('<nixpkgs') && !hasLib) {
      console.log('        this site has no lib: its error is looked at')
      const page = await open(`#${lesson}`)
      await view(page, 'Nix')
      await shows(page, "'nixpkgs/lib' was not found in the Nix search path")
      return
    }
    const page = await open(`#${lesson}`)
    if (expected.startsWith('/nix/store')) {
      await view(page, 'Derivations')
      await page.waitForSelector('.graph .drv')
      const paths = await page.locator('.drvs .path').allTextContents()
      equal(paths.join('\n'), expected)
      await picture(page, 'derivations')
    } else {
      await view(page, 'Nix')
      await page.waitForSelector('#view pre')
      equal(await page.textContent('#view pre'), expected)
    }
    if (given.oracle && given.nixpkgs) {
      const file = new URL('main.nix', folder).pathname
      if (expected.startsWith('/nix/store')) return
      const said = execFileSync(given.oracle, ['--eval', '--strict', '-I', `nixpkgs=${given.nixpkgs}`, file]).toString().trim()
      equal(expected, said, 'the answer of CppNix')
    }
  })
}

await test('several files, by name, import each other', async () => {
  const page = await open()
  page.once('dialog', (dialog) => dialog.accept('lib/three.nix'))
  await page.click('#add-file')
  await page.waitForSelector('#files [role=tab][aria-selected=true]:text("lib/three.nix")')
  await write(page, '{ x = 3; }')
  await page.click('#files [role=tab]:text("main.nix")')
  equal(await valueOf(page, '(import ./lib/three.nix).x + 1'), '4')
  await page.click('#files [role=tab]:text("lib/three.nix")')
  page.once('dialog', (dialog) => dialog.accept())
  await page.click('#remove-file')
  equal(await page.locator('#files [role=tab]').count(), 1)
})

await test('errors and lints are underlined while one types, and lints are mended', async () => {
  const page = await open()
  await write(page, '{ a = ; b = missing; }')
  await page.waitForSelector('.cm-lintRange-error')
  await shows(page, 'syntax error', '#problems')
  await write(page, 'let é = 1; in { }'.replace('é', 'unused'))
  await page.waitForSelector('.cm-lintRange-warning')
  await shows(page, 'unused', '#problems')
  await write(page, '{ a = "é😀"; b = mising; }')
  await page.waitForSelector('.cm-lintRange-error')
  equal(await page.textContent('.cm-lintRange-error'), 'mising', 'what is underlined behind wide characters')
  await write(page, 'x: { x = x; }')
  await page.waitForSelector('.cm-lintRange-info')
  await page.hover('.cm-lintRange-info')
  await page.click('.cm-diagnosticAction')
  await page.waitForFunction(() => document.querySelector('.cm-content').textContent.includes('inherit x'))
})

await test('an error of an evaluation says where, and leads there', async () => {
  const page = await open()
  await write(page, 'let\n  f = x: x.colour;\nin\nf { color = 1; }')
  await run(page)
  await shows(page, "attribute 'colour' missing")
  await shows(page, 'Did you mean')
  await page.click('.place:text("main.nix:2:")')
  const line = await page.evaluate(() => getSelection().anchorNode.textContent)
  assert(line.includes('f = x') || line.includes('colour') || line.includes('x'), `the cursor is at ${line}`)
  await page.click('summary')
  await picture(page, 'error')
})

/** Moves the mouse to a text in the editor. */
async function hover(page, text) {
  const at = await page.evaluate((text) => {
    const walker = document.createTreeWalker(document.querySelector('.cm-content'), NodeFilter.SHOW_TEXT)
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const i = node.data.lastIndexOf(text)
      if (i < 0) continue
      const range = document.createRange()
      range.setStart(node, i)
      range.setEnd(node, i + text.length)
      const { x, y, width, height } = range.getBoundingClientRect()
      return [x + width / 2, y + height / 2]
    }
  }, text)
  assert(at, `the editor does not show ${text}`)
  // A tip hides what is below it.
  await page.mouse.move(5, 5)
  await page.waitForSelector('.tip', { state: 'detached' })
  await page.mouse.move(at[0] - 3, at[1] + 3)
  await page.mouse.move(at[0], at[1], { steps: 4 })
}

await test('hovering tells of builtins, and what values are', async () => {
  const page = await open()
  await write(page, 'let\n  server = { port = 80; };\n  /** Twice a number. */\n  twice = n: n * 2;\nin\nbuiltins.genList twice server.port')
  await hover(page, 'genList')
  await shows(page, 'The list [ (f 0) (f 1)', '.tip')
  await hover(page, 'server.port'.slice(7))
  await shows(page, '80', '.tip')
  await shows(page, 'int', '.tip')
  await hover(page, 'twice')
  await shows(page, 'function', '.tip')
  await shows(page, 'Twice a number.', '.tip')
})

await test('builtins and attributes are completed', async () => {
  const page = await open()
  await write(page, '')
  await page.keyboard.type('builtins.fold')
  await page.waitForSelector(".cm-tooltip-autocomplete [role=option]:has-text(\"foldl'\")")
  await page.keyboard.press('Escape')
  await write(page, '')
  await page.keyboard.insertText('let s = { alpha = 1; beta = { gamma = 2; }; }; in s.beta')
  await page.keyboard.type('.')
  await page.waitForSelector('.cm-tooltip-autocomplete [role=option]:has-text("gamma")')
  await page.waitForTimeout(150)
  await page.keyboard.press('Enter')
  await page.waitForFunction(() => document.querySelector('.cm-content').textContent.endsWith('s.beta.gamma'))
  await write(page, '')
  await page.keyboard.insertText('let longName = 1; in ')
  await page.keyboard.type('lon')
  await page.waitForSelector('.cm-tooltip-autocomplete [role=option]:has-text("longName")')
})

await test('the tree of a value forces what is opened, and nothing else', async () => {
  const page = await open()
  await write(page, '{ a = builtins.trace "a is forced" (1 + 1); b = throw "b is never wanted"; c = { d = [ 1 (2 + 3) ]; }; f = x: x; }')
  await run(page)
  await page.waitForSelector('.tree .tree, .tree ul')
  const item = (name) => page.locator(`.tree li:has(> .row > .name:text-is("${name}"))`)
  equal(await item('a').locator('.value').first().textContent(), '…')
  equal(await page.textContent('#tab-Messages'), 'Messages')
  await item('a').locator('.row').first().click()
  await page.waitForFunction(() => [...document.querySelectorAll('.tree .value.int')].some((value) => value.textContent === '2'))
  await shows(page, 'Messages (1)', '#views')
  await item('b').locator('.row').first().click()
  await page.waitForSelector('.tree .value.error')
  await shows(page, 'error: b is never wanted')
  // And by keys.
  await item('c').locator('.row').first().click()
  await page.waitForSelector('.tree li:has(> .row > .name:text-is("d"))')
  await page.keyboard.press('ArrowRight')
  await page.keyboard.press('Enter')
  await page.waitForFunction(() => [...document.querySelectorAll('.tree .name')].some((name) => name.textContent === '1'))
  await view(page, 'Messages')
  await shows(page, 'a is forced')
})

await test('results are shown as Nix and JSON', async () => {
  const page = await open()
  equal(await valueOf(page, '{ a = [ 1 2.5 null ]; b = "é"; }'), '{ a = [ 1 2.5 null ]; b = "é"; }')
  await view(page, 'JSON')
  await shows(page, '"b": "é"')
  await write(page, '{ f = x: x; }')
  await run(page)
  await view(page, 'JSON')
  await shows(page, 'cannot convert a function to JSON')
  await view(page, 'Nix')
  await shows(page, '<LAMBDA>')
})

await test('derivations have a table, their texts and a graph', async () => {
  const page = await open('#6-derivations')
  await view(page, 'Derivations')
  await page.waitForSelector('.graph .drv')
  equal(await page.locator('.graph .drv').count(), 4)
  equal(await page.locator('.graph .edge').count(), 4)
  await page.click('.drvs button:text(".drv") >> nth=0')
  await shows(page, 'Derive([("out"', '.code.drv')
  await page.locator('.graph .drv', { hasText: 'source' }).click()
  await shows(page, '-source.drv', '.code.drv')
  await page.click('.drvs button:text("graph") >> nth=1')
  await shows(page, '2 derivations')
})

await test('tokens, lossless tree, bytecode and statistics can be looked at', async () => {
  const page = await open()
  await write(page, '# one\nlet a = 1; in a + 2')
  await view(page, 'Tokens')
  await shows(page, 'Whitespace')
  equal(await page.locator('.token:has-text("Let")').first().locator('code').textContent(), 'let')
  await view(page, 'Tree')
  await shows(page, 'BinaryExpr')
  await shows(page, 'Comment')
  await picture(page, 'tree')
  await view(page, 'Bytecode')
  await shows(page, 'Plus {')
  await run(page)
  await view(page, 'Statistics')
  await shows(page, 'Memory of the module')
})

await test('forcing is stepped through', async () => {
  const page = await open()
  await write(page, 'let a = 1 + b; b = 2 * 3; c = throw "no"; in a')
  await view(page, 'Steps')
  await page.waitForSelector('.forces li[aria-current]')
  const rows = (await page.locator('.forces li').allTextContents()).map((row) => row.trim())
  assert(rows.includes('1 + b7') && rows.includes('2 * 36'), `the steps are ${JSON.stringify(rows)}`)
  assert(!rows.some((row) => row.includes('throw')), 'what is not needed is not forced')
  const at = rows.indexOf('2 * 36')
  for (let i = 0; i < at; i++) await page.click('[aria-label="Next step"]')
  await page.waitForFunction(() => document.querySelector('.pointed')?.textContent === '2 * 3')
  const depth = (i) => page.locator('.forces li').nth(i).evaluate((row) => Number(row.style.getPropertyValue('--depth')))
  assert((await depth(at)) > (await depth(rows.indexOf('1 + b7'))), 'b is forced inside of a')
  await page.click('[aria-label="Step back"]')
  await shows(page, `Step ${at} of`, '.controls')
  await page.selectOption('#lesson', '2-laziness')
  await page.waitForSelector('.status.ok')
  await view(page, 'Steps')
  await page.waitForSelector('.forces li[aria-current]')
  for (let i = 0; i < 6; i++) await page.click('[aria-label="Next step"]')
  await picture(page, 'steps')
})

await test('a link holds the whole program', async () => {
  const page = await open()
  page.once('dialog', (dialog) => dialog.accept('other.nix'))
  await page.click('#add-file')
  await write(page, '"from the other file ✓"')
  await page.click('#files [role=tab]:text("main.nix")')
  await write(page, 'import ./other.nix')
  await page.click('#share')
  await shows(page, 'link', '#status')
  const url = page.url()
  assert(/#p=[\w-]+$/.test(url), url)
  equal(await page.evaluate(() => navigator.clipboard.readText()), url, 'what is copied')
  const other = await open(new URL(url).hash)
  await shows(other, 'from the other file ✓')
  const broken = await open('#p=AAAA')
  await shows(broken, 'greeting')
})

const endless = 'builtins.genericClosure { startSet = [ { key = 0; } ]; operator = x: [ { key = x.key + 1; } ]; }'
await test('an endless evaluation is stopped by the button, and the next one is right', async () => {
  const page = await open()
  await write(page, endless)
  await page.click('#run')
  await page.waitForSelector('#stop:not([disabled])')
  await page.waitForTimeout(700)
  // The page answers meanwhile.
  await view(page, 'Tokens')
  await shows(page, 'Ident')
  await page.click('#stop')
  await shows(page, 'Stopped', '#status')
  equal(await valueOf(page, '20 + 3'), '23')
})

await test('what is opened without end is stopped, too', async () => {
  const page = await open()
  await write(page, `{ a = ${endless}; }`)
  await run(page)
  await page.click('.tree .row:has(.value.thunk)')
  await page.waitForSelector('#stop:not([disabled])')
  await page.waitForTimeout(300)
  await page.click('#stop')
  await shows(page, 'Stopped', '#status')
  equal(await valueOf(page, '20 + 3'), '23')
})

const greedy = {
  'too many steps': ['#limit-steps', '1', endless, 'more steps'],
  'too long': ['#limit-seconds', '1', endless, 'longer than the limit'],
  'too much memory': ['#limit-memory', '64', "builtins.foldl' (l: n: l ++ l) [ 1 2 3 4 ] (builtins.genList (n: n) 40)", 'more memory'],
  'too deep': ['#limit-depth', '10000', 'let f = n: 1 + f (n + 1); in f 0', 'deeper than the limit'],
  'deep without a limit': ['#limit-depth', '1000000', 'let f = n: if n == 0 then 0 else 1 + f (n - 1); in f 900000', ''],
}
for (const [name, [field, value, program, said]] of Object.entries(greedy)) {
  await test(`${name}: the page lives on`, async () => {
    const page = await open()
    await page.click('#limits-button')
    await page.fill(field, value)
    await write(page, program)
    const status = await run(page)
    if (said === '') {
      await view(page, 'Nix')
      await shows(page, '900000')
    } else assert(status.includes(said), `it says ${status}`)
    equal(await valueOf(page, '20 + 3'), '23')
  })
}

await test('memory without a limit: the page lives on', async () => {
  const page = await open()
  await page.click('#limits-button')
  await page.fill('#limit-memory', '4000000')
  await write(page, "builtins.stringLength (builtins.foldl' (s: n: s + s) \"0123456789\" (builtins.genList (n: n) 40))")
  const status = await run(page)
  assert(/memory|failed/.test(status), `it says ${status}`)
  equal(await valueOf(page, '20 + 3'), '23')
})

await test('infinite recursion and other errors are errors', async () => {
  const page = await open()
  await write(page, 'let x = x + 1; in x')
  await run(page)
  await shows(page, 'infinite recursion')
  await write(page, 'builtins.readFile /etc/passwd')
  await run(page)
  await shows(page, 'does not exist')
})

await test('archives: a zip with links and executables is opened, and one that is none says so', async () => {
  const folder = join(work, 'zip')
  mkdirSync(folder)
  const script = `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], "w", zipfile.ZIP_DEFLATED) as archive:
    def put(name, text, mode):
        info = zipfile.ZipInfo("tree-1/" + name); info.external_attr = mode << 16; info.create_system = 3; info.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(info, text)
    put("default.nix", "{ }: { x = import ./link.nix; hash = builtins.path { path = ./run; name = \\"run\\"; }; }", 0o100644)
    put("real.nix", "7" , 0o100644)
    put("link.nix", "real.nix", 0o120777)
    put("run/start", "#!/bin/sh\\n", 0o100755)
`
  execFileSync('python3', ['-c', script, join(folder, 'tree.zip')])
  const page = await open()
  await page.click('#trees-button')
  await page.setInputFiles('#archive-file', join(folder, 'tree.zip'))
  await shows(page, '4 files', '#trees-state')
  equal(await valueOf(page, '(import <nixpkgs> { }).x'), '7')
  const hash = await valueOf(page, '"${(import <nixpkgs> { }).hash}"')
  if (given.oracle) {
    mkdirSync(join(folder, 'run'))
    writeFileSync(join(folder, 'run/start'), '#!/bin/sh\n', { mode: 0o755 })
    const said = execFileSync(given.oracle, ['--eval', '--expr', `"\${builtins.path { path = ${folder}/run; name = "run"; }}"`]).toString().trim()
    equal(hash, said, 'the store path of a folder with an executable')
  }
  writeFileSync(join(folder, 'none.tar.gz'), gzipSync('no archive'))
  await page.setInputFiles('#archive-file', join(folder, 'none.tar.gz'))
  await shows(page, 'could not be unpacked', '#trees-state')
  await page.fill('#archive-url', `${server.origin}/nowhere.tar.gz`)
  await page.click('#archive-form button')
  await shows(page, 'could not be fetched', '#trees-state')
  equal(await valueOf(page, '(import <nixpkgs> { }).x'), '7', 'the tree from before')
})

await test('an archive that xz packed is opened, as channels of Nixpkgs are', async () => {
  const folder = join(work, 'xz')
  mkdirSync(join(folder, 'tree'), { recursive: true })
  writeFileSync(join(folder, 'tree/default.nix'), '{ }: { x = 7; }')
  execFileSync('tar', ['-C', folder, '-cJf', join(folder, 'tree.tar.xz'), 'tree'])
  const page = await open()
  await page.click('#trees-button')
  await page.setInputFiles('#archive-file', join(folder, 'tree.tar.xz'))
  await shows(page, '1 file', '#trees-state')
  equal(await valueOf(page, '(import <nixpkgs> { }).x'), '7')
})

await test('a file that is dropped on the page is opened', async () => {
  const page = await open()
  const transfer = await page.evaluateHandle(() => {
    const transfer = new DataTransfer()
    transfer.items.add(new File(['{ dropped = true; }'], 'dropped.nix'))
    return transfer
  })
  await page.dispatchEvent('body', 'drop', { dataTransfer: transfer })
  await page.waitForSelector('#files [role=tab][aria-selected=true]:text("dropped.nix")')
})

if (hasLib) {
  await test('the lib of Nixpkgs is there, also for completion', async () => {
    const page = await open()
    await write(page, 'let lib = import <nixpkgs/lib>; in lib.toUpper "x"')
    await page.click('#trees-button')
    await page.click('#load-lib')
    await shows(page, '<nixpkgs> is', '#trees-state')
    equal(await valueOf(page, 'let lib = import <nixpkgs/lib>; in lib.toUpper "x"'), '"X"')
    await write(page, '')
    await page.keyboard.insertText('let lib = import <nixpkgs/lib>; in lib.strings')
    await page.keyboard.type('.')
    await page.waitForSelector('.cm-tooltip-autocomplete [role=option]:has-text("addContextFrom")')
    await hover(page, 'strings')
    await shows(page, 'set', '.tip')
  })
}

if (given.archive && given.nixpkgs) {
  await test('a package of Nixpkgs has its path', async () => {
    const program = '(import <nixpkgs> { system = "x86_64-linux"; config = { }; overlays = [ ]; }).hello'
    const page = await open()
    await page.click('#trees-button')
    await page.fill('#archive-url', `${server.origin}/nixpkgs.tar.gz`)
    await page.click('#archive-form button')
    await page.waitForFunction(() => document.querySelector('#trees-state').textContent.includes('<nixpkgs> is'), null, { timeout: 120_000 })
    console.log(`        ${await page.textContent('#trees-state')}`)
    await write(page, `${program}.drvPath`)
    const times = []
    for (let i = 0; i < 3; i++) times.push(Number.parseFloat((await run(page)).replace(/^(\d+) ms.*/, (_, ms) => `${ms / 1000}`)))
    await view(page, 'Nix')
    await shows(page, '/nix/store')
    const path = await page.textContent('#view pre')
    await view(page, 'Statistics')
    await shows(page, 'Memory of the module')
    const memory = Number.parseFloat((await page.textContent('.counts tr:last-child td')) ?? '')
    const file = join(work, 'hello.nix')
    writeFileSync(file, `${program}.drvPath`)
    const flags = ['--eval', '-I', `nixpkgs=${given.nixpkgs}`, file]
    if (given.oracle) equal(path, execFileSync(given.oracle, flags).toString().trim(), 'the path')
    if (given.native) {
      const native = [0, 1, 2].map(() => {
        const begin = performance.now()
        const said = execFileSync(given.native, ['nix-instantiate', ...flags]).toString().trim()
        equal(path, said, 'the path')
        return (performance.now() - begin) / 1000
      })
      const [least, best] = [Math.min(...times), Math.min(...native)]
      console.log(`        hello: ${times.join(', ')} s in the page, ${native.map((s) => s.toFixed(2)).join(', ')} s native, ${(least / best).toFixed(1)} times; ${memory} MiB`)
    }
    assert(memory < 2048, `the module has ${memory} MiB`)
    await write(page, program)
    await run(page)
    await view(page, 'Derivations')
    await page.waitForSelector('.graph .drv')
    equal(`"${await page.textContent('.drvs .path')}"`, path, 'the path in the table')
    await shows(page, 'the nearest 40 of')
    await page.click('#trees-button')
    await picture(page, 'nixpkgs')
    // After a stop the tree is still there.
    await write(page, endless)
    await page.click('#run')
    await page.waitForTimeout(300)
    await page.click('#stop')
    equal(await valueOf(page, '(import <nixpkgs/lib>).toUpper "x"'), '"X"')
  })
}

await test('the page works offline after the first visit', async () => {
  const page = await open()
  await page.evaluate(() => navigator.serviceWorker.ready)
  await page.waitForFunction(() => navigator.serviceWorker.controller !== null)
  await page.waitForTimeout(500)
  if (hasLib) {
    await page.selectOption('#lesson', '5-modules')
    await page.waitForSelector('#trees-button.loaded')
  }
  await page.context().setOffline(true)
  await page.goto(`${server.origin}/#2-laziness`)
  await page.reload()
  await page.waitForSelector('.status.ok')
  await view(page, 'Nix')
  await shows(page, '23 29')
  await page.selectOption('#lesson', '6-derivations')
  await view(page, 'Derivations')
  await page.waitForSelector('.graph .drv')
  if (hasLib) {
    await page.selectOption('#lesson', '5-modules')
    await page.waitForSelector('#trees-button.loaded')
    await view(page, 'Nix')
    await shows(page, 'firewall = [ 22 8443 ]')
  }
  // What the browser says of pages that it cannot update.
  complaints.length = 0
})

await test('light and dark are kept', async () => {
  const page = await open()
  const theme = () => page.evaluate(() => document.documentElement.dataset.theme)
  equal(await theme(), 'light')
  await page.click('#theme')
  equal(await theme(), 'dark')
  await page.reload()
  await page.waitForSelector('.status.ok')
  equal(await theme(), 'dark')
  await picture(page, 'dark')
})

await test('the page fits a phone', async () => {
  const page = await open('', { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true })
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
  equal(wide, 0, 'what lies beside the screen')
  await picture(page, 'phone')
  await page.tap('#run')
  await page.waitForSelector('.status.ok')
  await page.locator('.tree .row').nth(1).scrollIntoViewIfNeeded()
  await page.locator('.tree .row').nth(1).tap()
  await shows(page, 'example.org')
})

await test('all is reached by keys', async () => {
  const page = await open()
  await page.click('.cm-content')
  await page.keyboard.press('Control+a')
  await page.keyboard.insertText('[ 1 ]')
  await page.keyboard.press('Control+Enter')
  await shows(page, '[ 1 element ]')
  // The first one closes what is open, if anything.
  await page.keyboard.press('Escape')
  await page.keyboard.press('Escape')
  await page.keyboard.press('Tab')
  assert(!(await page.evaluate(() => document.activeElement.classList.contains('cm-content'))), 'the editor holds the keys')
  await page.focus('#tab-Value')
  await page.keyboard.press('ArrowRight')
  equal(await page.evaluate(() => document.activeElement.id), 'tab-Nix')
  await shows(page, '[ 1 ]', '#view pre')
})

for (const scheme of ['light', 'dark']) {
  await test(`axe finds nothing serious in ${scheme}`, async () => {
    const page = await open('#6-derivations', { colorScheme: scheme })
    await page.click('#trees-button')
    await page.click('#limits-button')
    await page.evaluate(axe)
    const seen = []
    for (const name of ['Value', 'Nix', 'JSON', 'Derivations', 'Messages', 'Tokens', 'Tree', 'Bytecode', 'Steps', 'Statistics']) {
      await view(page, name)
      await page.waitForTimeout(250)
      const { violations } = await page.evaluate(() => globalThis.axe.run())
      for (const { id, impact, nodes } of violations) {
        seen.push(`${name}: ${impact} ${id}: ${nodes.slice(0, 2).map(({ html }) => html.slice(0, 120)).join(' | ')}`)
      }
    }
    const serious = seen.filter((line) => /: (serious|critical) /.test(line))
    if (seen.length > serious.length) console.log(`        less than serious: ${[...new Set(seen.filter((line) => !serious.includes(line)).map((line) => line.split(': ')[1]))].join(', ')}`)
    assert(serious.length === 0, serious.slice(0, 8).join('\n    '))
  })
}

await browser.close()
await server.close()
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed > 0 ? 1 : 0
