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
  const g = canvas.getContext('2d'), { width, height } = canvas, left = 64, bottom = 22;
  const lines = [[up.rates(), '#2dd4bf'], [down.rates(), '#60a5fa']];
  const top = niceCeiling(Math.max(1, ...lines.flatMap(([rates]) => rates)));
  const columns = Math.max(22, ...lines.map(([rates]) => rates.length));
  g.clearRect(0, 0, width, height);
  g.font = '12px system-ui';
  g.fillStyle = '#8d99a8';
  g.strokeStyle = '#2a313c';
  for (let i = 0; i <= 4; i++) {
    const y = 8 + (height - bottom - 8) * (1 - i / 4);
    g.fillText(`${(top * i / 4).toLocaleString('en', { maximumFractionDigits: 1 })}${i === 4 ? ' Mbit/s' : ''}`, 2, y + 4);
    g.beginPath(); g.moveTo(left, y); g.lineTo(width, y); g.stroke();
  }
  for (let s = 0; s * 1000 < columns * BUCKET_MS; s++)
    g.fillText(`${s} s`, left + (width - left) * s * 1000 / (columns * BUCKET_MS), height - 4);
  g.lineWidth = 2;
  for (const [rates, colour] of lines) {
    g.strokeStyle = colour;
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
