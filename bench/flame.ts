// A flame graph as SVG: each call as wide as its share of the time, what it called above it. Pointing
// at one shows its name, its file and its share.
import type { Call } from './parts.ts'

const [widthPx, rowPx, letterPx] = [1400, 17, 6.4]

/** Narrower ones cannot be seen. */
const minShare = 0.0008

export function flameGraph(root: Call, title: string): string {
  const boxes: string[] = []
  let rows = 0
  const draw = (call: Call, fromPx: number, row: number): void => {
    const share = call.totalUs / root.totalUs
    if (share < minShare) return
    rows = Math.max(rows, row + 1)
    boxes.push(box(call, share, fromPx, row))
    let atPx = fromPx
    for (const child of [...call.children.values()].toSorted((a, b) => b.totalUs - a.totalUs)) {
      draw(child, atPx, row + 1)
      atPx += (child.totalUs / root.totalUs) * widthPx
    }
  }
  draw(root, 0, 0)
  const heightPx = (rows + 2) * rowPx
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${widthPx} ${heightPx}" font-family="monospace" font-size="11">`,
    `<rect width="${widthPx}" height="${heightPx}" fill="#fff"/>`,
    `<text x="6" y="13">${escaped(title)}</text>`,
    `<g transform="translate(0 ${rowPx * 1.3})">`,
    ...boxes,
    '</g></svg>\n',
  ].join('\n')
}

function box({ name, file }: Call, share: number, xPx: number, row: number): string {
  const width = share * widthPx
  const label = name.slice(0, Math.max(0, Math.floor((width - 4) / letterPx)))
  const about = `${name} ${file} ${(share * 100).toFixed(1)} %`
  const [x, y] = [xPx.toFixed(1), row * rowPx]
  const text =
    label.length < 3
      ? ''
      : `<text x="${(xPx + 2).toFixed(1)}" y="${y + 12}">${escaped(label)}</text>`
  return `<g><title>${escaped(about)}</title><rect x="${x}" y="${y}" width="${width.toFixed(1)}" height="${rowPx - 1}" fill="${colourOf(file)}"/>${text}</g>`
}

/** Ours, those of packages, and Node's own can be told apart. */
function colourOf(file: string): string {
  if (file.startsWith('src/stores/')) return '#f4a261'
  if (file.startsWith('src/publishers/')) return '#e9c46a'
  if (file.startsWith('src/')) return '#e76f51'
  return file.startsWith('node:') || file === '' ? '#c9d6df' : '#a8dadc'
}

const escaped = (text: string): string =>
  text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`)
