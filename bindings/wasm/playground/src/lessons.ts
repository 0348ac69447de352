/** The lessons: folders of a text about them, their files, and what they come to. */
import type { Files } from './protocol'

export interface Lesson {
  id: string
  title: string
  about: string
  files: Files
}

const parts = import.meta.glob<string>('../lessons/*/*', { query: '?raw', import: 'default', eager: true })

export const lessons: Lesson[] = []
for (const [path, text] of Object.entries(parts).sort(([a], [b]) => (a < b ? -1 : 1))) {
  const [, folder = '', name = ''] = /lessons\/([^/]+)\/(.+)$/.exec(path) ?? []
  let lesson = lessons.find((lesson) => lesson.id === folder)
  if (!lesson) lessons.push((lesson = { id: folder, title: folder, about: '', files: {} }))
  if (name === 'about.md') {
    const [title = '', ...rest] = text.split('\n')
    lesson.title = title.replace(/^# /, '')
    lesson.about = rest.join('\n').trim()
  } else if (name.endsWith('.nix')) lesson.files[name] = text
}
