import { issue } from './issue';
import { devices, isInside, join, newPage } from './room';
import { expect, freshId, here, PASSWORD, signIn, test, there } from './server';

test.use(devices);

interface Installed {
  files: { id: string; enterprise: string }[];
}

test('a licence file is dropped in, counts, is marked and removed', async ({ page, rest }) => {
  const name = `Enterprise ${freshId('licence')}`;
  const day = 86_400_000;
  const text = issue(name, { pro: 7, online: 5, guest: 3, gateway: 1 }, Date.now() + 5 * day);
  await signIn(page, here);
  await page.goto(`${here}/admin/licence`);
  try {
    await page.locator('input[type=file]').setInputFiles({
      name: 'damaged.licence',
      mimeType: 'text/plain',
      buffer: Buffer.from(text.replace(/[A-Za-z]{4}\n/, 'AAAA\n')),
    });
    await expect(
      page.getByRole('alert').getByText(/changed after it was signed|cannot be read/),
    ).toBeVisible();
    await expect(page.getByRole('article', { name })).toHaveCount(0);

    // As people do it: the file is dragged from the desktop.
    const transfer = await page.evaluateHandle((content) => {
      const data = new DataTransfer();
      data.items.add(new File([content], 'paris.licence', { type: 'text/plain' }));
      return data;
    }, text);
    await page.getByText('Drop a licence file here').dispatchEvent('drop', { dataTransfer: transfer });
    await expect(page.getByText('The licence was installed.')).toBeVisible();
    const file = page.getByRole('article', { name });
    await expect(file).toContainText('7 PRO, 5 online, 3 guest, 1 gateway');
    await expect(file.getByText('Development', { exact: true })).toBeVisible();
    await expect(file).toContainText('in 5 days');
    await expect(page.getByText('Development licence: for trying out only')).toBeVisible();

    await page.locator('input[type=file]').setInputFiles({
      name: 'again.licence',
      mimeType: 'text/plain',
      buffer: Buffer.from(text),
    });
    await expect(page.getByText('This licence is installed already.')).toBeVisible();

    await file.getByRole('button', { name: `Remove the licence of ${name}` }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
    await expect(file).toHaveCount(0);
  } finally {
    const licence = (await (await rest.call('GET', '/licence')).json()) as Installed;
    for (const left of licence.files.filter((one) => one.enterprise === name))
      await rest.call('DELETE', `/licence/${left.id}`);
  }
});

test('who joins takes a seat, and is told why when it is taken back', async ({
  browser,
  page,
  rest,
  person,
}) => {
  const room = freshId('seats');
  await rest.call('POST', '/conferences', { cid: room, name: `Room ${room}` });
  const guest = await newPage(browser);
  try {
    await signIn(page, here);
    await page.goto(`${here}/admin/licence?search=${person.id}`);
    await expect(page.getByText('Nothing found')).toBeVisible();

    await signIn(guest, there, person.id, PASSWORD);
    await expect(guest.getByText('You need one to join conferences.')).toBeVisible();
    await join(guest, there, room);
    // Shown without loading the page again.
    const row = page.getByRole('row').filter({ hasText: person.display_name });
    await expect(row).toContainText('In a conference');
    await row.getByRole('button', { name: `Take the seat of ${person.display_name} back` }).click();
    await expect(page.getByRole('dialog')).toContainText('They leave the conference at once');
    await page.getByRole('dialog').getByRole('button', { name: 'Take back' }).click();
    await expect(guest.getByRole('heading', { name: 'Your PRO seat was taken back' })).toBeVisible();
    await expect(row).toHaveCount(0);

    // A seat is free, so whoever comes again gets one.
    await guest.getByRole('button', { name: 'Join again' }).click();
    await guest.getByRole('button', { name: 'Join', exact: true }).click();
    await isInside(guest);
    await expect(row).toContainText('In a conference');
    await page.goto(`${here}/admin/events?kind=pro_license_revocation`);
    await expect(page.getByRole('row').filter({ hasText: person.id })).toBeVisible();
  } finally {
    await guest.context().close();
    await rest.call('DELETE', `/conferences/${room}`);
  }
});

test('a seat is asked for in advance', async ({ page, rest, person }) => {
  await signIn(page, there, person.id, PASSWORD);
  await page.getByRole('button', { name: 'Ask for a seat now' }).click();
  await expect(page.getByText('You have one. It ends 24 hours after your last conference')).toBeVisible();
  await rest.call('PATCH', '/seats', { show_pro: false });
  try {
    await page.goto(`${there}/home`);
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
    await expect(page.getByRole('region', { name: 'PRO seat' })).toHaveCount(0);
  } finally {
    await rest.call('PATCH', '/seats', { show_pro: true });
  }
});

test('groups with permanent seats are put in order by keyboard and served', async ({
  page,
  rest,
  person,
}) => {
  const made: string[] = [];
  for (const name of ['Board', 'Staff']) {
    const answer = await rest.call('POST', '/groups', { name: `${name} ${freshId('group')}` });
    made.push(((await answer.json()) as { id: string }).id);
  }
  const names = await Promise.all(
    made.map(
      async (id) => ((await (await rest.call('GET', `/groups/${id}`)).json()) as { name: string }).name,
    ),
  );
  await rest.call('POST', `/groups/${made[1]}/members`, { add: [person.id] });
  try {
    await signIn(page, here);
    await page.goto(`${here}/admin/licence`);
    for (const name of names) {
      await page.getByRole('combobox', { name: 'Add a group' }).fill(name);
      await page.getByRole('option', { name }).click();
    }
    const order = page.getByRole('list', { name: 'Groups with permanent seats' });
    await page.getByRole('button', { name: `Move ${names[1]} up` }).focus();
    await page.keyboard.press('Enter');
    await expect(order.getByRole('listitem').first()).toContainText(names[1]!);
    await page.getByRole('button', { name: 'Save' }).click();
    await expect(page.getByText('Saved. Groups count from the next time')).toBeVisible();
    await page.getByRole('button', { name: 'Give out now' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Give out now' }).click();
    await expect(page.getByText('Permanent seats were given out.')).toBeVisible();
    await page.getByText(/^Permanent \(\d+\)$/).click();
    await expect(page.getByRole('row').filter({ hasText: person.display_name })).toBeVisible();
  } finally {
    await rest.call('PATCH', '/seats', { permanent_groups: [] });
    await rest.call('POST', '/seats/pick');
    for (const id of made) await rest.call('DELETE', `/groups/${id}`);
  }
});
