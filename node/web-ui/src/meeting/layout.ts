/** Where tiles stand on the stage: figures in, figures out. */

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Size {
  width: number;
  height: number;
}

export const GAP = 8;
export const MOST_TILES = 49;
const WIDE = 16 / 9;
const PHONE = 600;
const STRIP_WIDTH = 208;
const STRIP_HEIGHT = 108;
const STRIP_HEIGHT_PHONE = 84;

/** How narrow a tile may get: pictures are cropped a little rather than made small. */
const narrowest = ({ width }: Size) => (width < PHONE ? 3 / 4 : 4 / 3);
const smallest = ({ width }: Size) => (width < PHONE ? 112 : 152);

function tileOf(columns: number, rows: number, stage: Size): Size {
  const width = (stage.width - GAP * (columns - 1)) / columns;
  const height = (stage.height - GAP * (rows - 1)) / rows;
  const fitted = Math.min(width, height * WIDE);
  return { width: fitted, height: Math.min(height, fitted / narrowest(stage)) };
}

/** The columns that make the tiles largest. */
export function bestColumns(count: number, stage: Size): number {
  let best = 1;
  let most = 0;
  for (let columns = 1; columns <= count; columns += 1) {
    const { width, height } = tileOf(columns, Math.ceil(count / columns), stage);
    if (width * height > most * 1.001) {
      most = width * height;
      best = columns;
    }
  }
  return best;
}

/** Rows from top to bottom, each in the middle. */
export function grid(count: number, stage: Size): Box[] {
  if (count === 0 || stage.width <= 0 || stage.height <= 0) return [];
  const columns = bestColumns(count, stage);
  const rows = Math.ceil(count / columns);
  const tile = tileOf(columns, rows, stage);
  const top = (stage.height - rows * tile.height - (rows - 1) * GAP) / 2;
  return Array.from({ length: count }, (_, place) => {
    const row = Math.floor(place / columns);
    const inRow = row === rows - 1 ? count - row * columns : columns;
    const left = (stage.width - inRow * tile.width - (inRow - 1) * GAP) / 2;
    return {
      x: left + (place % columns) * (tile.width + GAP),
      y: top + row * (tile.height + GAP),
      ...tile,
    };
  });
}

/** How many tiles one page of the gallery holds without getting too small. */
export function pageSize(count: number, stage: Size): number {
  for (let size = Math.min(count, MOST_TILES); size > 1; size -= 1) {
    const columns = bestColumns(size, stage);
    if (tileOf(columns, Math.ceil(size / columns), stage).width >= smallest(stage)) return size;
  }
  return 1;
}

export interface Arranged {
  /** What takes the stage. */
  main: Box | null;
  /** Those of `page`. */
  tiles: Box[];
  /** How many tiles a page holds. */
  perPage: number;
  pages: number;
  page: number;
}

const pagesOf = (count: number, perPage: number) => Math.max(1, Math.ceil(count / perPage));

export function gallery(count: number, stage: Size, page: number): Arranged {
  const perPage = pageSize(count, stage);
  const pages = pagesOf(count, perPage);
  const at = Math.min(page, pages - 1);
  const here = Math.min(perPage, count - at * perPage);
  return { main: null, tiles: grid(here, stage), perPage, pages, page: at };
}

/** One thing large, people in a strip: beside it where there is width, else below. */
export function withMain(count: number, stage: Size, page: number): Arranged {
  const beside = stage.width >= 800 && stage.width / stage.height > 1.2;
  if (count === 0) {
    return { main: { x: 0, y: 0, ...stage }, tiles: [], perPage: 1, pages: 1, page: 0 };
  }
  const low = Math.min(
    stage.width < PHONE ? STRIP_HEIGHT_PHONE : STRIP_HEIGHT,
    Math.max(stage.height / 4, 48),
  );
  const tile = beside
    ? { width: STRIP_WIDTH, height: STRIP_WIDTH / WIDE }
    : { width: low * (4 / 3), height: low };
  const along = beside ? stage.height : stage.width;
  const length = beside ? tile.height : tile.width;
  const perPage = Math.max(1, Math.floor((along + GAP) / (length + GAP)));
  const pages = pagesOf(count, perPage);
  const at = Math.min(page, pages - 1);
  const here = Math.min(perPage, count - at * perPage);
  const start = (along - here * length - (here - 1) * GAP) / 2;
  const main = beside
    ? { x: 0, y: 0, width: stage.width - STRIP_WIDTH - GAP, height: stage.height }
    : { x: 0, y: 0, width: stage.width, height: stage.height - low - GAP };
  const tiles = Array.from({ length: here }, (_, place) => {
    const offset = start + place * (length + GAP);
    return beside
      ? { x: main.width + GAP, y: offset, ...tile }
      : { x: offset, y: main.height + GAP, ...tile };
  });
  return { main, tiles, perPage, pages, page: at };
}
