// Where `cargo xtask interop` puts the peers it installs or builds: beside what cargo builds.
import path from 'node:path';

export const TARGET = process.env.CARGO_TARGET_DIR ?? new URL('../../../target', import.meta.url).pathname;

export const peerTool = name => path.join(process.env.SENDRECV_PEERS ?? path.join(TARGET, 'interop'), name);

// A file that cargo built for release.
export const built = file => path.join(TARGET, 'release', file);
