-- What utils/bench/overhead measures in sqlite3: the kinds of statement that
-- SQLite's own speedtest1 has. Leaves nothing behind, so that it can be read
-- again and again on one connection.
create table a (id integer primary key, n integer, word text);
create table b (n integer, word text);

begin;
with recursive c(i) as (select 1 union all select i + 1 from c where i < 4000)
  insert into a select i, i * 7919 % 4001, 'word ' || (i * 104729 % 1009) from c;
insert into b select n, word || ' again' from a order by word;
commit;

create index a_n on a (n);
create index b_n on b (n);

-- By a range of an index, one by one, by text without an index.
select count(*), avg(n), max(word) from a where n between 500 and 1500;
with recursive c(i) as (select 1 union all select i + 1 from c where i < 1000)
  select sum(length(word)) from c join a on a.n = c.i;
select count(*), sum(n) from b where word like '%17%again';

-- Joins, grouping, sorting.
select count(*), sum(length(a.word) - length(b.word)) from a join b using (n) where a.id % 3 = 0;
select word, count(*), sum(n) from a group by word order by 2 desc, 1 limit 5;
select n, word from b order by word desc, n limit 5;
select count(*) from a where id in (select n from b where n % 5 = 1);

begin;
update a set n = n + 1 where id between 1000 and 2500;
update b set word = upper(word) where n % 4 = 0;
insert into b select n, word from a where id % 10 = 0;
delete from a where n between 2000 and 2600;
delete from b where word like '%9%';
replace into a select n, n * 3, word from b where n between 100 and 900;
commit;

select count(*), sum(n), sum(length(word)) from a;
select count(*), sum(n), sum(length(word)) from b;
drop table a;
drop table b;
