// Bytes over time, and the canvas that shows them.
const BUCKET_MS = 250;

export class Series {
  constructor() { this.clear(); }

  clear() {
    this.total = 0;
    this.start = performance.now();
    this.buckets = [];
  }

  add(bytes) {
    const at = Math.floor((performance.now() - this.start) / BUCKET_MS);
    this.buckets[at] = (this.buckets[at] ?? 0) + bytes;
    this.total += bytes;
  }

  // For a counter that only grows.
  addTotal(total) { this.add(Math.max(0, total - this.total)); }

  // Mbit/s per bucket.
  rates() { return Array.from(this.buckets, bytes => (bytes ?? 0) * 8 / (BUCKET_MS * 1000)); }
}

export function drawGraph(canvas, { up, down }) {
  // As many pixels as the screen has there.
  const g = canvas.getContext('2d'), scale = devicePixelRatio, width = canvas.clientWidth, height = canvas.clientHeight;
  Object.assign(canvas, { width: width * scale, height: height * scale });
  g.scale(scale, scale);
  const left = 64, bottom = 22;
  const style = getComputedStyle(canvas), colour = name => style.getPropertyValue(name);
  const lines = [[up.rates(), colour('--accent')], [down.rates(), colour('--accent-2')]];
  const top = niceCeiling(Math.max(1, ...lines.flatMap(([rates]) => rates)));
  const columns = Math.max(22, ...lines.map(([rates]) => rates.length));
  g.clearRect(0, 0, width, height);
  g.font = '12px system-ui';
  g.fillStyle = colour('--dim');
  g.strokeStyle = colour('--line');
  for (let i = 0; i <= 4; i++) {
    const y = 8 + (height - bottom - 8) * (1 - i / 4);
    g.fillText(`${(top * i / 4).toLocaleString('en', { maximumFractionDigits: 1 })}${i === 4 ? ' Mbit/s' : ''}`, 2, y + 4);
    g.beginPath(); g.moveTo(left, y); g.lineTo(width, y); g.stroke();
  }
  const step = width < 420 ? 2 : 1;
  for (let s = 0; s * 1000 < columns * BUCKET_MS; s += step) {
    const x = left + (width - left) * s * 1000 / (columns * BUCKET_MS);
    if (x < width - 28) g.fillText(`${s} s`, x, height - 4);
  }
  g.lineWidth = 2;
  for (const [rates, stroke] of lines) {
    g.strokeStyle = stroke;
    g.beginPath();
    rates.forEach((rate, i) => g.lineTo(left + (width - left) * (i + .5) / columns, 8 + (height - bottom - 8) * (1 - rate / top)));
    g.stroke();
  }
  g.lineWidth = 1;
}

function niceCeiling(value) {
  const unit = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 4, 8, 10].find(n => n * unit >= value) * unit;
}
