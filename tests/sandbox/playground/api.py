"""Calls of the page's API."""

from __future__ import annotations

from typing import Any

import aiohttp


async def posted(http: aiohttp.ClientSession, address: str, said: object) -> int:
    async with http.post(address, json=said) as reply:
        return reply.status


async def entered(http: aiohttp.ClientSession, address: str) -> str:
    async with http.post(f"{address}api/enter", json={}) as reply:
        return str((await reply.json())["scene"])


async def shown(http: aiohttp.ClientSession, address: str, scene: str = "") -> Any:
    async with http.get(f"{address}api/state{f'?scene={scene}' if scene else ''}") as reply:
        return await reply.json()
