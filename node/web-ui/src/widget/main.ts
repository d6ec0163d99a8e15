import './widget.css';
import type { Door } from '../api/types';
import { textsFor } from './texts';
import { cidIn, lookAgainMs, standingOf, type Standing } from './standing';
import { draw } from './draw';

/**
 * What other sites show of a public conference (CONF-16): who has no account and no cookie here sees how it stands and
 * goes on in a tab of its own. It knows nothing of sessions: also whoever is signed in is a stranger here.
 */

const COUNT_MS = 1_000;

async function look(cid: string): Promise<Standing> {
  try {
    const answer = await fetch(`/api/v1/conferences/${encodeURIComponent(cid)}/door`, {
      credentials: 'omit',
      cache: 'no-store',
      headers: { accept: 'application/json' },
    });
    if (answer.ok) return standingOf((await answer.json()) as Door);
    // What cannot be the ID of a conference is none.
    return [400, 404, 422].includes(answer.status) ? { state: 'gone' } : { state: 'failed' };
  } catch {
    return { state: 'failed' };
  }
}

async function show(root: HTMLElement) {
  const cid = cidIn(location.pathname);
  const { language, t } = await textsFor(navigator.languages);
  document.documentElement.lang = language;
  let standing: Standing = cid === null ? { state: 'gone' } : { state: 'looking' };
  const redraw = () => draw(root, standing, Date.now(), language, t);
  redraw();
  setInterval(redraw, COUNT_MS);
  if (cid === null) return;
  const again = async () => {
    const found = await look(cid);
    // What is known is still shown while the server does not answer.
    if (found.state !== 'failed' || !('door' in standing)) standing = found;
    redraw();
    setTimeout(() => void again(), lookAgainMs(standing, Date.now(), Math.random()));
  };
  await again();
}

void show(document.getElementById('widget')!);
