import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { defineConfig, type Plugin } from 'vite';

/** Every package whose code or font ends up in the built page. */
const SHIPPED = ['lit', 'lit-html', 'lit-element', '@lit/reactive-element', 'maplibre-gl', 'uplot', 'lucide', '@fontsource/be-vietnam-pro'];

/** Ships the licences of what is built in, beside it. */
function licences(): Plugin {
  return {
    name: 'canh-licences',
    apply: 'build',
    generateBundle() {
      const parts = SHIPPED.map((name) => {
        const folder = new URL(`./node_modules/${name}/`, import.meta.url);
        const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
        const { version } = JSON.parse(readFileSync(new URL('package.json', folder), 'utf8')) as { version: string };
        const text = file ? readFileSync(new URL(file, folder), 'utf8').trim() : 'see the package';
        return `${name} ${version}\n${'='.repeat(name.length + version.length + 1)}\n${text}\n`;
      });
      this.emitFile({ type: 'asset', fileName: 'third-party-licenses.txt', source: parts.join('\n\n') });
    },
  };
}

/** What the build is made from, beside the packages that the lock file names. */
const SOURCE = ['data', 'index.html', 'package-lock.json', 'package.json', 'public', 'src', 'tsconfig.json', 'vite.config.ts'];
const DIGEST = 'dist/digest.txt';

function files(path: string): string[] {
  if (!statSync(new URL(path, import.meta.url)).isDirectory()) return [path];
  return readdirSync(new URL(path, import.meta.url)).flatMap((name) => files(`${path}/${name}`));
}

/** Digest of names and contents; the same is worked out in tests/unit/api/test_console_dist.py. */
function digest(paths: string[]): string {
  const lines = paths.sort().map((path) => {
    const content = readFileSync(new URL(path, import.meta.url));
    return `${createHash('sha256').update(content).digest('hex')} ${path}\n`;
  });
  return createHash('sha256').update(lines.join('')).digest('hex');
}

/** Ships the digests of the source and of what was built from it: a test tells a forgotten build, or an edited one. */
function digests(): Plugin {
  return {
    name: 'canh-digests',
    apply: 'build',
    closeBundle() {
      const built = files('dist').filter((path) => path !== DIGEST);
      writeFileSync(new URL(DIGEST, import.meta.url), `source ${digest(SOURCE.flatMap(files))}\nbuilt ${digest(built)}\n`);
    },
  };
}

export default defineConfig({
  base: '/console/',
  plugins: [licences(), digests()],
  build: {
    target: 'es2022',
    outDir: 'dist',
    emptyOutDir: true,
    // data: URLs would need a wider content security policy; every asset is a file.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1200,
  },
  worker: { format: 'es' },
  server: { proxy: { '/v1': 'http://127.0.0.1:8000' } },
  test: { include: ['test/**/*.test.ts'], environment: 'node' },
} as Parameters<typeof defineConfig>[0]);
