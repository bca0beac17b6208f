import { documentTally } from '../documents/tally.js';
import { backupStore, examineStore, restoreStore } from '../store/lmdb/upkeep.js';
import type { Asked } from './commands.js';
import { exitCode } from './exit.js';

/** `mcgms backup`, `restore` and `doctor`: what is done with a store's folder. */

type Call = Extract<Asked, { readonly command: 'backup' | 'restore' | 'doctor' }>;

/** Does what `call` asks for, says what came of it, and gives the exit code. @throws StoreUnusable, StoreFailure */
export async function keepUp(call: Call, write: (text: string) => void): Promise<number> {
  switch (call.command) {
    case 'backup': {
      const octets = await backupStore(call.folder, call.to);
      write(`${call.to}: a copy of ${call.folder}, checked, ${octets} octets\n`);
      return exitCode.done;
    }
    case 'restore':
      await restoreStore(call.backup, call.folder, { replace: call.replace });
      write(
        `${call.folder}: restored from ${call.backup}; partners are compared with once the server runs\n`,
      );
      return exitCode.done;
    case 'doctor': {
      const { findings, mendedSums } = await examineStore(call.folder, documentTally);
      for (const finding of findings) write(`${finding}\n`);
      if (findings.length === 0) {
        if (mendedSums > 0) {
          write(`${call.folder}: ${mendedSums} counts were not those of the records, and were put right\n`);
        } else write(`${call.folder}: nothing is wrong\n`);
        return exitCode.done;
      }
      write(
        `${call.folder} is damaged. Put a backup in its place: mcgms restore --replace BACKUP ${call.folder}\n`,
      );
      return exitCode.failed;
    }
  }
}
