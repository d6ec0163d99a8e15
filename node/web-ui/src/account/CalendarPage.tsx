import { ActionIcon, Anchor, Button, Group, SegmentedControl, Text, Title } from '@mantine/core';
import { IconChevronLeft, IconChevronRight, IconList } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useEffect, useRef, type KeyboardEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { queries } from '../api/queries';
import type { AgendaEntry } from '../api/types';
import { Page } from '../ui/Page';
import { ErrorState } from '../ui/States';
import { useAddress } from '../ui/useAddress';
import {
  byDay,
  dateOf,
  dayOf,
  firstWeekday,
  plusDays,
  plusMonths,
  weeksOf,
  type CalendarView,
} from './calendar';
import classes from './Calendar.module.css';

const route = getRouteApi('/_app/meetings_/calendar');

/** How many days a key goes. */
const STEPS: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7 };

/** When the own conferences, and those one is invited to, take place: by week or by month. */
export function CalendarPage() {
  const { t, i18n } = useTranslation();
  const { said, set } = useAddress(route);
  const view: CalendarView = said.view ?? 'month';
  const day = dayOf(dateOf(said.day));
  const weeks = weeksOf(day, view, firstWeekday(i18n.language));
  const [from, last] = [weeks[0]![0]!, weeks.at(-1)!.at(-1)!];
  const until = plusDays(last, 1);
  const agenda = useQuery(queries.agenda(dateOf(from).toISOString(), dateOf(until).toISOString()));
  const step = (by: number) => set({ day: view === 'week' ? plusDays(day, 7 * by) : plusMonths(day, by) });
  const title = new Intl.DateTimeFormat(i18n.language, { month: 'long', year: 'numeric' }).format(
    dateOf(day),
  );
  return (
    <Page
      title={t('nav.calendar')}
      purpose={t('calendar.purpose')}
      action={
        <Button
          variant="default"
          leftSection={<IconList size={16} aria-hidden />}
          renderRoot={(props) => <Link to="/meetings" {...props} />}
        >
          {t('calendar.list')}
        </Button>
      }
    >
      <Group justify="space-between" mb="sm" gap="sm">
        <Group gap="xs">
          <ActionIcon
            variant="default"
            size={36}
            aria-label={t(`calendar.before.${view}`)}
            onClick={() => step(-1)}
          >
            <IconChevronLeft size={18} aria-hidden />
          </ActionIcon>
          <Button variant="default" onClick={() => set({ day: undefined })}>
            {t('calendar.today')}
          </Button>
          <ActionIcon
            variant="default"
            size={36}
            aria-label={t(`calendar.after.${view}`)}
            onClick={() => step(1)}
          >
            <IconChevronRight size={18} aria-hidden />
          </ActionIcon>
          <Title order={2} size="h3" aria-live="polite" className={classes.title}>
            {title}
          </Title>
        </Group>
        <SegmentedControl
          aria-label={t('calendar.view')}
          value={view}
          onChange={(next) => set({ view: next as CalendarView })}
          data={[
            { value: 'week', label: t('calendar.week') },
            { value: 'month', label: t('calendar.month') },
          ]}
        />
      </Group>
      {agenda.error && <ErrorState error={agenda.error} retry={() => void agenda.refetch()} />}
      <Days
        title={title}
        weeks={weeks}
        day={day}
        month={view === 'month' ? day.slice(0, 7) : null}
        entries={byDay(agenda.data?.items ?? [])}
        choose={(next) => set({ day: next })}
        turn={step}
      />
      {agenda.data?.more && (
        <Text size="sm" c="dimmed" mt="sm" role="status">
          {t('calendar.more')}
        </Text>
      )}
    </Page>
  );
}

interface DaysProps {
  title: string;
  weeks: string[][];
  /** The one that is chosen: keys go from there. */
  day: string;
  /** Days of others are paler. */
  month: string | null;
  entries: ReadonlyMap<string, AgendaEntry[]>;
  choose: (day: string) => void;
  turn: (by: number) => void;
}

/** A grid (WAI-ARIA): one day is reached by Tab, the others by arrows, what takes place on it by Tab again. */
function Days({ title, weeks, day, month, entries, choose, turn }: DaysProps) {
  const { t, i18n } = useTranslation();
  const grid = useRef<HTMLTableElement>(null);
  // The focus follows a key, and nothing else.
  const moved = useRef(false);
  useEffect(() => {
    if (!moved.current) return;
    moved.current = false;
    grid.current?.querySelector<HTMLElement>(`[data-day="${day}"]`)?.focus();
  }, [day]);
  const press = (event: KeyboardEvent<HTMLTableCellElement>) => {
    if (event.target !== event.currentTarget) return;
    const days = STEPS[event.key];
    const pages = { PageUp: -1, PageDown: 1 }[event.key];
    if (days === undefined && pages === undefined) return;
    event.preventDefault();
    moved.current = true;
    if (days !== undefined) choose(plusDays(day, days));
    else if (pages !== undefined) turn(pages);
  };
  const today = dayOf(new Date());
  const weekday = (style: 'short' | 'long', of: string) =>
    new Intl.DateTimeFormat(i18n.language, { weekday: style }).format(dateOf(of));
  const whole = new Intl.DateTimeFormat(i18n.language, { dateStyle: 'full' });
  return (
    <table
      ref={grid}
      role="grid"
      aria-label={title}
      className={classes.grid}
      data-week={month === null || undefined}
    >
      <thead>
        <tr>
          {weeks[0]!.map((of) => (
            <th key={of} scope="col" abbr={weekday('long', of)}>
              {weekday('short', of)}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {weeks.map((week) => (
          <tr key={week[0]}>
            {week.map((of) => {
              const held = entries.get(of) ?? [];
              const many = held.length > 0 ? t('calendar.count', { count: held.length }) : t('calendar.none');
              const label = `${whole.format(dateOf(of))}, ${many}`;
              return (
                <td
                  key={of}
                  data-day={of}
                  tabIndex={of === day ? 0 : -1}
                  aria-label={label}
                  aria-current={of === today ? 'date' : undefined}
                  aria-selected={of === day}
                  data-other={(month !== null && !of.startsWith(month)) || undefined}
                  data-empty={held.length === 0 || undefined}
                  onKeyDown={press}
                  onFocus={(event) => event.target === event.currentTarget && of !== day && choose(of)}
                >
                  <span className={classes.date} aria-hidden>
                    <span className={classes.weekday}>{weekday('short', of)} </span>
                    {dateOf(of).getDate()}
                  </span>
                  {held.length > 0 && <Entries entries={held} />}
                </td>
              );
            })}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Entries({ entries }: { entries: AgendaEntry[] }) {
  const { i18n } = useTranslation();
  const clock = new Intl.DateTimeFormat(i18n.language, { timeStyle: 'short' });
  return (
    <ul className={classes.entries}>
      {entries.map((entry) => (
        <li key={`${entry.cid} ${entry.start}`}>
          <Anchor
            size="sm"
            className={classes.entry}
            renderRoot={(props) => <Link to="/m/$cid" params={{ cid: entry.cid }} {...props} />}
          >
            <time dateTime={entry.start}>{clock.format(new Date(entry.start))}</time> {entry.name}
          </Anchor>
        </li>
      ))}
    </ul>
  );
}
