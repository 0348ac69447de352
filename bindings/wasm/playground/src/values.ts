/** A value as a tree whose branches are evaluated when they are opened. */
import { Failed, type Client } from './client'
import { element } from './dom'
import type { Node } from './protocol'

const PAGE = 200

/** How a value is shown in one line: of a set or list, how much it holds. */
export function summary({ kind, text }: Pick<Node, 'kind' | 'text'>): HTMLElement {
  const [, n] = /^[[{] (\d+) [\]}]$/.exec(text) ?? []
  const noun = kind === 'set' ? 'attribute' : 'element'
  const inside = n === '0' ? '' : `${n} ${noun}${n === '1' ? '' : 's'} `
  const shown = kind === 'thunk' ? '…' : kind === 'set' ? `{ ${inside}}` : kind === 'list' ? `[ ${inside}]` : text || kind
  return element('span', { class: `value ${kind}` }, shown)
}

const opens = (kind: string): boolean => kind === 'thunk' || kind === 'set' || kind === 'list'

export class ValueTree {
  readonly element = element('ul', { class: 'tree', role: 'tree', 'aria-label': 'Value' })
  readonly #client: Client
  readonly #onForce: () => void

  constructor(client: Client, root: Node, onForce: () => void) {
    this.#client = client
    this.#onForce = onForce
    const item = this.#item('', root.kind, root.text, async () => root)
    this.element.append(item)
    item.tabIndex = 0
    if (opens(root.kind)) void this.#toggle(item)
    this.element.addEventListener('keydown', (event) => this.#key(event))
    this.element.addEventListener('click', (event) => {
      const item = (event.target as HTMLElement).closest<HTMLElement>('[role=treeitem]')
      if (!item) return
      this.#focus(item)
      if (item.hasAttribute('aria-expanded') || item.dataset.kind === 'thunk') void this.#toggle(item)
    })
  }

  readonly #find = new WeakMap<HTMLElement, () => Promise<Node>>()

  #item(name: string, kind: string, text: string, find: () => Promise<Node>): HTMLElement {
    const row = element('span', { class: 'row' })
    if (name !== '') row.append(element('span', { class: 'name' }, name), ' = ')
    row.append(summary({ kind, text } as Node))
    const item = element('li', { role: 'treeitem', tabindex: -1, 'data-kind': kind }, row)
    if (opens(kind)) item.setAttribute('aria-expanded', 'false')
    if (kind === 'thunk') item.title = 'Not evaluated yet'
    this.#find.set(item, find)
    return item
  }

  #focus(item: HTMLElement): void {
    this.element.querySelectorAll('[role=treeitem][tabindex="0"]').forEach((other) => other.setAttribute('tabindex', '-1'))
    item.tabIndex = 0
    item.focus()
  }

  async #toggle(item: HTMLElement): Promise<void> {
    const open = item.querySelector<HTMLElement>(':scope > ul')
    if (open) {
      const shown = item.getAttribute('aria-expanded') === 'true'
      item.setAttribute('aria-expanded', String(!shown))
      open.hidden = shown
      return
    }
    if (item.getAttribute('aria-busy') === 'true') return
    item.setAttribute('aria-busy', 'true')
    try {
      const handle = await this.#find.get(item)!()
      await this.#fill(item, handle.value, 0)
    } catch (error) {
      const text = error instanceof Failed ? error.failure.message : String(error)
      item.querySelector(':scope > .row > .value')?.replaceWith(element('span', { class: 'value error' }, `error: ${text}`))
      item.removeAttribute('aria-expanded')
    } finally {
      item.removeAttribute('aria-busy')
      this.#onForce()
    }
  }

  async #fill(item: HTMLElement, value: number, first: number): Promise<void> {
    const { node, length, entries } = await this.#client.ask('expand', { value, first, count: PAGE })
    item.querySelector(':scope > .row > .value')?.replaceWith(summary(node))
    item.dataset.kind = node.kind
    item.removeAttribute('title')
    if (!opens(node.kind) || length === 0) {
      item.removeAttribute('aria-expanded')
      return
    }
    let list = item.querySelector<HTMLElement>(':scope > ul')
    if (!list) item.append((list = element('ul', { role: 'group' })))
    for (const { name, kind, text } of entries) {
      const key = node.kind === 'list' ? Number(name) : name
      list.append(this.#item(name, kind, text, () => this.#client.ask('child', { value, name: key })))
    }
    const shown = first + entries.length
    if (shown < length) {
      const more = element('li', { role: 'treeitem', tabindex: -1, class: 'more' }, `${length - shown} more`)
      more.addEventListener('click', (event) => {
        event.stopPropagation()
        more.remove()
        void this.#fill(item, value, shown)
      })
      list.append(more)
    }
    item.setAttribute('aria-expanded', 'true')
  }

  #key(event: KeyboardEvent): void {
    const item = (event.target as HTMLElement).closest<HTMLElement>('[role=treeitem]')
    if (!item) return
    const all = [...this.element.querySelectorAll<HTMLElement>('[role=treeitem]')].filter((item) => item.offsetParent !== null)
    const at = all.indexOf(item)
    const isOpen = item.getAttribute('aria-expanded') === 'true'
    const go = (to: HTMLElement | null | undefined): void => void (to && this.#focus(to))
    if (event.key === 'ArrowDown') go(all[at + 1])
    else if (event.key === 'ArrowUp') go(all[at - 1])
    else if (event.key === 'Home') go(all[0])
    else if (event.key === 'End') go(all.at(-1))
    else if (event.key === 'ArrowRight') isOpen ? go(item.querySelector<HTMLElement>('[role=treeitem]')) : item.hasAttribute('aria-expanded') && void this.#toggle(item)
    else if (event.key === 'ArrowLeft') isOpen ? void this.#toggle(item) : go(item.parentElement?.closest<HTMLElement>('[role=treeitem]'))
    else if (event.key === 'Enter' || event.key === ' ') item.click()
    else return
    event.preventDefault()
    event.stopPropagation()
  }
}
