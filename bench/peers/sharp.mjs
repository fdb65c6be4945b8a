// A job with sharp. The first argument holds the outputs of each job, the second says how:
//   each      one call per output, one after the other, as sharp's documentation writes it; one thread
//   together  the same calls all at once (Promise.all), with sharp's own defaults
//   cascade   one decode to the largest output through a raw buffer, each output from the one before; one thread

import path from 'node:path'
import process from 'node:process'
import readline from 'node:readline'
import sharp from 'sharp'

const jobs = JSON.parse(process.argv[2])
const how = process.argv[3]
if (how !== 'together') sharp.concurrency(1)

const box = ({ box_px }) => ({ width: box_px, height: box_px, fit: 'inside', withoutEnlargement: true })

const encoders = {
  jpeg: (image, { quality }) =>
    image.jpeg({ quality, chromaSubsampling: '4:2:0', progressive: false, mozjpeg: false, optimiseCoding: false }),
  webp: (image, { quality, effort }) => image.webp({ quality, effort, smartSubsample: false }),
  avif: (image, { quality, effort }) => image.avif({ quality, effort, chromaSubsampling: '4:2:0' }),
  png: (image, { effort }) => image.png({ compressionLevel: effort })
}
const encode = (image, output) => encoders[output.format](image, output)

const call = (photo, out, output) =>
  encode(sharp(photo).rotate().resize(box(output)), output).toFile(path.join(out, output.file))

async function each (photo, out, outputs) {
  for (const output of outputs) await call(photo, out, output)
}

async function together (photo, out, outputs) {
  await Promise.all(outputs.map((output) => call(photo, out, output)))
}

// Sizes come from the photograph, not from the output before: rounding twice would shift the picture by part of a pixel.
function exactly ({ width, height }, { box_px }) {
  const scale = Math.min(1, box_px / Math.max(width, height))
  return { width: Math.round(width * scale), height: Math.round(height * scale), fit: 'fill' }
}

async function cascade (photo, out, outputs) {
  const upright = (await sharp(photo).metadata()).autoOrient
  let image = sharp(photo).rotate()
  for (const output of [...outputs].sort((a, b) => b.box_px - a.box_px)) {
    const { data, info } = await image.resize(exactly(upright, output)).raw().toBuffer({ resolveWithObject: true })
    const raw = { width: info.width, height: info.height, channels: info.channels }
    await encode(sharp(data, { raw }), output).toFile(path.join(out, output.file))
    image = sharp(data, { raw })
  }
}

const develop = { each, together, cascade }[how]
const say = (answer) => process.stdout.write(JSON.stringify(answer) + '\n')
const cpuSeconds = () => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

const { sharp: version, vips, webp, mozjpeg } = sharp.versions
const threads = String(sharp.concurrency())
say({ versions: { node: process.versions.node, sharp: version, "sharp's libvips": vips, "sharp's webp": webp, "sharp's mozjpeg": mozjpeg, threads } })

let spent = cpuSeconds()
for await (const line of readline.createInterface({ input: process.stdin })) {
  const { photo, out, job } = JSON.parse(line)
  const begin = process.hrtime.bigint()
  await develop(photo, out, jobs[job])
  const wall = Number(process.hrtime.bigint() - begin) / 1e9
  const now = cpuSeconds()
  say({ cpu_s: now - spent, wall_s: wall, peak_mb: process.resourceUsage().maxRSS * 1024 / 1e6 })
  spent = now
}
