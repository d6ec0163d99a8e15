/** When somebody last took a backup with this browser; the server does not keep it. */

const KEY = 'plenary.backup';

export const lastBackup = {
  at: (): string | null => localStorage.getItem(KEY),
  done(): string {
    const now = new Date().toISOString();
    localStorage.setItem(KEY, now);
    return now;
  },
};
