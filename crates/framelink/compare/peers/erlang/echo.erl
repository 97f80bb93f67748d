%% Echoes net:4 frames, which Erlang calls {packet, 4}: a process for each connection.
%%
%% The form is `once` ({active, once}, which limits what waits in the mailbox) or `true` ({active, true} and {delay_send, true},
%% which writes what is sent when the process yields).
-module(echo).
-export([main/1]).

main([Address, Form]) ->
    [Host, Port] = string:split(Address, ":"),
    {ok, Ip} = inet:parse_address(Host),
    Options = [binary, {ip, Ip}, {packet, 4}, {active, false}, {nodelay, true}, {reuseaddr, true}, {backlog, 4096}],
    {ok, Listener} = gen_tcp:listen(list_to_integer(Port), Options ++ options(Form)),
    accept(Listener, list_to_atom(Form)).

options("once") -> [];
options("true") -> [{delay_send, true}, {recbuf, 65536}].

accept(Listener, Form) ->
    {ok, Socket} = gen_tcp:accept(Listener),
    Echo = spawn(fun() -> receive go -> inet:setopts(Socket, [{active, Form}]), echo(Socket, Form) end end),
    ok = gen_tcp:controlling_process(Socket, Echo),
    Echo ! go,
    accept(Listener, Form).

echo(Socket, Form) ->
    receive
        {tcp, Socket, Message} ->
            ok = gen_tcp:send(Socket, Message),
            again(Socket, Form),
            echo(Socket, Form);
        {tcp_closed, Socket} -> ok;
        {tcp_error, Socket, _} -> ok
    end.

again(Socket, once) -> inet:setopts(Socket, [{active, once}]);
again(_, true) -> ok.
