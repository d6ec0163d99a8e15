import { describe, expect, it } from 'vitest';
import { bestColumns, gallery, grid, MOST_TILES, withMain, type Box, type Size } from './layout';

const desk: Size = { width: 1424, height: 780 };
const phone: Size = { width: 378, height: 700 };

const within = (box: Box, stage: Size) =>
  box.x >= -0.01 &&
  box.y >= -0.01 &&
  box.x + box.width <= stage.width + 0.01 &&
  box.y + box.height <= stage.height + 0.01;
const overlap = (a: Box, b: Box) =>
  a.x < b.x + b.width - 0.01 &&
  b.x < a.x + a.width - 0.01 &&
  a.y < b.y + b.height - 0.01 &&
  b.y < a.y + a.height - 0.01;

describe('the gallery', () => {
  it.each([
    [1, 1],
    [2, 2],
    [4, 2],
    [9, 3],
    [16, 4],
    [49, 7],
  ])('puts %i people in %i columns on a desk', (count, columns) =>
    expect(bestColumns(count, desk)).toBe(columns),
  );

  it('stacks two people on a phone', () => expect(bestColumns(2, phone)).toBe(1));

  for (const stage of [desk, phone, { width: 900, height: 300 }]) {
    it(`keeps every tile on a stage of ${stage.width} × ${stage.height}, apart from the others`, () => {
      for (let count = 1; count <= MOST_TILES; count += 1) {
        const boxes = grid(count, stage);
        expect(boxes).toHaveLength(count);
        expect(boxes.every((box) => within(box, stage))).toBe(true);
        expect(boxes.some((box, at) => boxes.slice(at + 1).some((other) => overlap(box, other)))).toBe(false);
      }
    });
  }

  it('shows at most 49 on a page, and the rest on the next', () => {
    const first = gallery(60, { width: 2400, height: 1400 }, 0);
    expect(first).toMatchObject({ perPage: 49, pages: 2 });
    expect(gallery(60, { width: 2400, height: 1400 }, 1).tiles).toHaveLength(11);
    expect(gallery(60, { width: 2400, height: 1400 }, 7).page).toBe(1);
  });

  it('has more pages rather than tiles too small to see', () => {
    const { tiles, pages } = gallery(49, phone, 0);
    expect(tiles[0]!.width).toBeGreaterThanOrEqual(112);
    expect(pages).toBeGreaterThan(1);
  });

  it('has nothing to place before the stage is measured', () =>
    expect(gallery(5, { width: 0, height: 0 }, 0).tiles).toEqual([]));
});

describe('one large tile', () => {
  it.each([desk, phone])('leaves most of the stage to it, and people stay on the stage', (stage) => {
    const { main, tiles } = withMain(20, stage, 0);
    expect((main!.width * main!.height) / (stage.width * stage.height)).toBeGreaterThan(0.7);
    for (const tile of tiles) {
      expect(within(tile, stage)).toBe(true);
      expect(overlap(tile, main!)).toBe(false);
    }
  });

  it('has the whole stage when nobody else is there', () =>
    expect(withMain(0, desk, 0).main).toEqual({ x: 0, y: 0, ...desk }));
});
