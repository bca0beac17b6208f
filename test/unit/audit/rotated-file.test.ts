import {
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { LineLog } from '../../../src/audit/line-log.js';
import type { LineFile, Rotation } from '../../../src/audit/rotated-file.js';
import { RecordedLog } from '../../support/log.js';
import { ManualClock } from '../../support/manual-clock.js';
import { systemError } from '../../support/system-error.js';

/** `count` lines from number `first` on, all of one length: 10 octets with the line break. */
function numbered(count: number, first = 0): string[] {
  return Array.from({ length: count }, (_, index) => `line ${String(first + index).padStart(4, '0')}`);
}

function text(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}

describe('A file of lines that is changed for another', () => {
  let folder: string;
  let log: RecordedLog;
  let clock: ManualClock;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mcgms-rotation-'));
    log = new RecordedLog();
    clock = new ManualClock();
  });

  afterEach(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  const at = (name: string): string => join(folder, name);

  const open = async (
    rotation?: Rotation,
    around: (file: LineFile) => LineFile = (file) => file,
  ): Promise<LineLog> =>
    await LineLog.open({
      name: 'audit log',
      folder,
      file: 'lines',
      ...(rotation && { rotation }),
      lostLine: (lines) => `lost ${lines}`,
      log,
      clock,
      around,
    });

  /** Appends, and waits until everything is in files. */
  const append = async (lines: LineLog, wanted: readonly string[]): Promise<void> => {
    for (const line of wanted) lines.append(line);
    // Opening the same file anew changes nothing, and comes after what waits.
    await lines.reopen();
    await lines.reopen();
  };

  const contents = async (): Promise<Record<string, string>> => {
    const names = (await readdir(folder)).toSorted();
    return Object.fromEntries(
      await Promise.all(names.map(async (name) => [name, await readFile(at(name), 'utf8')] as const)),
    );
  };

  /** What all files hold, the oldest first: those with the highest number. */
  const inOrder = async (): Promise<string> => {
    const files = Object.entries(await contents()).map(([name, content]) => {
      return { age: Number(name.split('.')[1] ?? 0), content };
    });
    return files
      .toSorted((a, b) => b.age - a.age)
      .map(({ content }) => content)
      .join('');
  };

  describe('by a program that renames it', () => {
    it('goes on in the new file once it is opened anew, with or without one made for it', async () => {
      const lines = await open();
      await append(lines, ['one']);
      await rename(at('lines'), at('lines-former'));
      lines.append('two');
      await lines.reopen();
      await append(lines, ['three']);
      await rename(at('lines'), at('lines-later'));
      await writeFile(at('lines'), '', { mode: 0o640 });
      await append(lines, []);
      await append(lines, ['four']);
      await lines.close();
      const found = await contents();
      expect(found).to.have.all.keys('lines', 'lines-former', 'lines-later');
      expect(`${found['lines-former'] ?? ''}${found['lines-later'] ?? ''}${found['lines'] ?? ''}`).to.equal(
        'one\ntwo\nthree\nfour\n',
      );
      expect(found['lines']).to.equal('four\n');
      expect((await stat(at('lines'))).mode & 0o777, 'made by the other program').to.equal(0o640);
    });

    it('cuts and loses no line, whenever it is opened anew', async () => {
      const seed = 0x24481;
      let round = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(fc.nat(20), { minLength: 1, maxLength: 8 }), async (counts) => {
          await rm(folder, { recursive: true, force: true });
          await mkdir(folder);
          round += 1;
          const lines = await open({ rotateBytes: round % 2 === 0 ? 0 : 70, keep: 1000 });
          let next = 0;
          let renamed = 0;
          for (const count of counts) {
            for (const line of numbered(count, next)) lines.append(line);
            next += count;
            await rename(at('lines'), at(`former-${renamed}`));
            renamed += 1;
            // Further lines come while the file is changed.
            const changed = lines.reopen();
            for (const line of numbered(count, next)) lines.append(line);
            next += count;
            await changed;
          }
          await lines.close();
          const all = Object.values(await contents()).flatMap((content) => {
            expect(content).to.match(/^(?:line \d{4}\n)*$/);
            return content.split('\n').filter((line) => line !== '');
          });
          expect(all.toSorted()).to.deep.equal(numbered(next));
        }),
        { seed, numRuns: 30 },
      );
      expect(log.lines).to.deep.equal([]);
    });

    it('notices another file at its path without a signal, but makes none in the place of one that is gone', async () => {
      const lines = await open();
      await append(lines, ['one']);
      await rename(at('lines'), at('former'));
      const write = async (line: string): Promise<void> => {
        clock.advance(1000);
        lines.append(line);
        while (!Object.values(await contents()).some((content) => content.includes(line))) await clock.turn();
      };
      await write('two');
      expect(await contents()).to.deep.equal({ former: 'one\ntwo\n' });
      await writeFile(at('lines'), '');
      await write('three');
      await lines.close();
      expect(await contents()).to.deep.equal({ former: 'one\ntwo\n', lines: 'three\n' });
    });

    it('fsyncs the former file before it lets go of it, and has the new one by then', async () => {
      const order: string[] = [];
      let opened = 0;
      const lines = await open(undefined, (file) => {
        const name = String((opened += 1));
        order.push(`open ${name}`);
        return {
          write: (bytes) => file.write(bytes),
          sync: () => {
            order.push(`fsync ${name}`);
            return file.sync();
          },
          close: () => {
            order.push(`close ${name}`);
            return file.close();
          },
        };
      });
      await lines.reopen();
      expect(order).to.deep.equal(['open 1', 'open 2', 'fsync 1', 'close 1']);
      await lines.close();
    });

    it('goes on in the former file where the new one cannot be opened, and says why', async () => {
      const lines = await open();
      await append(lines, ['one']);
      await rename(at('lines'), at('former'));
      await mkdir(at('lines'));
      await append(lines, ['two']);
      expect(await readFile(at('former'), 'utf8')).to.equal('one\ntwo\n');
      expect(log.lines).to.deep.equal([
        {
          level: 'error',
          fields: { error: 'it is a folder (EISDIR)' },
          message: 'audit log not opened anew',
        },
      ]);
      await rm(at('lines'), { recursive: true });
      await lines.reopen();
      await append(lines, ['three']);
      await lines.close();
      expect(await readFile(at('former'), 'utf8')).to.equal('one\ntwo\n');
      expect(await readFile(at('lines'), 'utf8')).to.equal('three\n');
    });

    it('tells in the new file of lines that were lost before, once', async () => {
      let full = true;
      const lines = await open(undefined, (file) => ({
        write: async (bytes) => {
          if (full) throw systemError('ENOSPC');
          return await file.write(bytes);
        },
        sync: () => file.sync(),
        close: () => file.close(),
      }));
      await append(lines, ['one', 'two']);
      expect(lines.lost).to.equal(2);
      await rename(at('lines'), at('former'));
      await lines.reopen();
      full = false;
      await append(lines, ['three']);
      expect(lines.lost).to.equal(0);
      await lines.close();
      expect(await contents()).to.deep.equal({ former: '', lines: 'lost 2\nthree\n' });
    });

    it('begins the new file at the start of a line, although the former one ends within one', async () => {
      let calls = 0;
      const lines = await open(undefined, (file) => ({
        write: async (bytes) => {
          calls += 1;
          if (calls === 1) return await file.write(bytes.subarray(0, 2));
          if (calls === 2) throw systemError('EIO');
          return await file.write(bytes);
        },
        sync: () => file.sync(),
        close: () => file.close(),
      }));
      await append(lines, ['first']);
      await rename(at('lines'), at('former'));
      await lines.reopen();
      await append(lines, ['second']);
      await lines.close();
      expect(await contents()).to.deep.equal({ former: 'fi', lines: 'lost 1\nsecond\n' });
    });
  });

  describe('by a program that copies and truncates it', () => {
    it('goes on at the start, without a hole', async () => {
      const lines = await open();
      await append(lines, numbered(50));
      await truncate(at('lines'));
      await append(lines, ['after']);
      await lines.close();
      expect(await readFile(at('lines'), 'utf8')).to.equal('after\n');
    });

    it('has no empty line where the truncation took a line away that was cut off', async () => {
      let calls = 0;
      const lines = await open(undefined, (file) => ({
        write: async (bytes) => {
          calls += 1;
          if (calls === 1) return await file.write(bytes.subarray(0, 2));
          if (calls === 2) throw systemError('EIO');
          return await file.write(bytes);
        },
        sync: () => file.sync(),
        close: () => file.close(),
      }));
      lines.append('first');
      await log.line('audit log not written');
      await truncate(at('lines'));
      await append(lines, ['second']);
      await lines.close();
      expect(await readFile(at('lines'), 'utf8')).to.equal('lost 1\nsecond\n');
    });

    it('counts anew how full it is', async () => {
      const lines = await open({ rotateBytes: 30, keep: 3 });
      await append(lines, numbered(3));
      await truncate(at('lines'));
      await append(lines, numbered(3, 3));
      await lines.close();
      expect(await contents()).to.deep.equal({ lines: text(numbered(3, 3)) });
    });
  });

  describe('by itself', () => {
    it('is never larger than rotateBytes, and the oldest of more than `keep` is gone', async () => {
      const lines = await open({ rotateBytes: 35, keep: 2 });
      await append(lines, numbered(11));
      await lines.close();
      expect(await contents()).to.deep.equal({
        lines: text(numbered(2, 9)),
        'lines.1': text(numbered(3, 6)),
        'lines.2': text(numbered(3, 3)),
      });
      expect((await stat(at('lines'))).mode & 0o777).to.equal(0o600);
    });

    it('gives a line that is longer than that a file of its own', async () => {
      const lines = await open({ rotateBytes: 12, keep: 5 });
      const long = 'x'.repeat(40);
      await append(lines, ['short', long, 'short']);
      await lines.close();
      expect(await contents()).to.deep.equal({
        lines: 'short\n',
        'lines.1': `${long}\n`,
        'lines.2': 'short\n',
      });
    });

    it('goes on with a file that was begun before', async () => {
      const first = await open({ rotateBytes: 30, keep: 2 });
      await append(first, numbered(2));
      await first.close();
      const second = await open({ rotateBytes: 30, keep: 2 });
      await append(second, numbered(2, 2));
      await second.close();
      expect(await contents()).to.deep.equal({
        lines: text(numbered(1, 3)),
        'lines.1': text(numbered(3)),
      });
    });

    it('deletes numbers above `keep` where fewer are kept than before, and no file of another name', async () => {
      const others = ['lines.20261129', 'lines.01', 'lines.2.gz', 'lines.x', 'other.3', 'lines.1001'];
      for (const name of [...others, 'lines.3', 'lines.9']) await writeFile(at(name), '');
      const lines = await open({ rotateBytes: 10, keep: 2 });
      await append(lines, numbered(2));
      await lines.close();
      expect(await readdir(folder)).to.have.members([...others, 'lines', 'lines.1']);
    });

    it('opens what stands at its path where somebody has renamed it, and moves nothing', async () => {
      const lines = await open({ rotateBytes: 20, keep: 2 });
      await append(lines, numbered(2));
      await rename(at('lines'), at('former'));
      await writeFile(at('lines'), '');
      // No SIGHUP has come: the file is full.
      for (const line of numbered(1, 2)) lines.append(line);
      await lines.close();
      expect(await contents()).to.deep.equal({ former: text(numbered(2)), lines: text(numbered(1, 2)) });
    });

    it('moves the file that a link leads to, and leaves the link', async () => {
      await mkdir(at('elsewhere'));
      await writeFile(at('elsewhere/file'), '');
      await symlink(at('elsewhere/file'), at('lines'));
      const lines = await open({ rotateBytes: 10, keep: 2 });
      await append(lines, numbered(2));
      await lines.close();
      expect(await readdir(at('elsewhere'))).to.have.members(['file', 'file.1']);
      expect(await readFile(at('lines'), 'utf8')).to.equal(text(numbered(1, 1)));
    });

    it('loses no line where it cannot be moved: the file grows, and it is said once', async () => {
      await mkdir(at('lines.1'));
      const lines = await open({ rotateBytes: 10, keep: 1 });
      await append(lines, numbered(3));
      await append(lines, numbered(3, 3));
      await lines.close();
      expect(await readFile(at('lines'), 'utf8')).to.equal(text(numbered(6)));
      expect(log.lines.map(({ message }) => message)).to.include('audit log not changed for a new one');
    });

    it('fsyncs the full file before it is renamed', async () => {
      const names: string[] = [];
      const lines = await open({ rotateBytes: 10, keep: 1 }, (file) => ({
        write: (bytes) => file.write(bytes),
        sync: async () => {
          names.push((await readdir(folder)).toSorted().join());
          await file.sync();
        },
        close: () => file.close(),
      }));
      for (const line of numbered(2)) lines.append(line);
      await lines.close();
      expect(names[0]).to.equal('lines');
    });

    describe('where the process ends between two steps', () => {
      /** The steps of a change with two full files and three to keep, in order. */
      const steps: readonly (readonly [string, string])[] = [
        ['lines.2', 'lines.3'],
        ['lines.1', 'lines.2'],
        ['lines', 'lines.1'],
      ];
      for (let done = 0; done <= steps.length; done += 1) {
        it(`after ${done} of ${steps.length} renames: nothing is lost, and the order holds`, async () => {
          await writeFile(at('lines.2'), text(numbered(2)));
          await writeFile(at('lines.1'), text(numbered(2, 2)));
          await writeFile(at('lines'), text(numbered(2, 4)));
          for (const [from, to] of steps.slice(0, done)) await rename(at(from), at(to));
          const lines = await open({ rotateBytes: 20, keep: 3 });
          // Of the file that was full, or of the one that was not made yet.
          await append(lines, numbered(2, 6));
          await lines.close();
          expect(await inOrder()).to.equal(text(numbered(8)));
          expect(Object.keys(await contents())).to.have.lengthOf.at.most(4);
        });
      }
    });
  });
});
