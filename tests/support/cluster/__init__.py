"""A PostgreSQL cluster that really fails over: three servers under Patroni with etcd, HAProxy in front of them, each server in a
network of its own, and everything that can happen to them. They run by the files of `deploy/patroni`, but for names and places."""
