import { tellProblem } from './notify';

/** Gives `content` to the browser to keep as a file. */
export function save(content: Blob, name: string) {
  const url = URL.createObjectURL(content);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** Gives what a call answers to the browser to keep as a file. */
export async function download(load: () => Promise<Blob>, name: string): Promise<boolean> {
  try {
    save(await load(), name);
    return true;
  } catch (error) {
    tellProblem(error);
    return false;
  }
}
