#!/usr/bin/env escript
%% gen_tcp with {packet, N}: `listen N DELIVERY TOGETHER` echoes messages, TOGETHER at a time, and prints its port.
%% `connect N DELIVERY PORT SIZE...` sends messages, and compares the echoes. The program ends with its stdin.
-mode(compile).

-define(TIMEOUT, 20000).

main(_) ->
    case io:get_line("") of
        eof -> halt(0);
        Line -> command(string:lexemes(Line, " \n")), main([])
    end.

command(["listen", Packet, Delivery, Together]) ->
    {ok, Listener} = gen_tcp:listen(0, options(Packet, Delivery)),
    {ok, Port} = inet:port(Listener),
    io:format("~b~n", [Port]),
    spawn_link(fun() ->
        {ok, Socket} = gen_tcp:accept(Listener),
        serve(Socket, Packet, Delivery, list_to_integer(Together))
    end);
command(["connect", Packet, Delivery, Port | Sizes]) ->
    {ok, Socket} = gen_tcp:connect("127.0.0.1", list_to_integer(Port), options(Packet, Delivery)),
    Messages = [payload(list_to_integer(Size)) || Size <- Sizes],
    case Delivery of
        "burst" ->
            send(Socket, Packet, Delivery, Messages),
            [{ok, Message} = gen_tcp:recv(Socket, 0, ?TIMEOUT) || Message <- Messages];
        _ ->
            [begin
                send(Socket, Packet, Delivery, [Message]),
                {ok, Message} = gen_tcp:recv(Socket, 0, ?TIMEOUT)
            end || Message <- Messages]
    end,
    ok = gen_tcp:close(Socket),
    io:format("same ~b~n", [length(Messages)]).

%% With delay_send what is sent at once is gathered, and written together.
options(Packet, Delivery) ->
    [binary, {active, false}, {nodelay, true}, {ip, {127, 0, 0, 1}}, {packet, list_to_integer(Packet)},
     {delay_send, Delivery =:= "burst"}].

serve(Socket, Packet, Delivery, Together) ->
    case receive_all(Socket, Together) of
        closed -> gen_tcp:close(Socket);
        Messages ->
            send(Socket, Packet, Delivery, Messages),
            serve(Socket, Packet, Delivery, Together)
    end.

receive_all(_, 0) -> [];
receive_all(Socket, Count) ->
    case gen_tcp:recv(Socket, 0) of
        {ok, Message} -> [Message | receive_all(Socket, Count - 1)];
        {error, closed} -> closed
    end.

send(Socket, Packet, "bytes", Messages) ->
    Bytes = << <<(encoded(Packet, Message))/binary>> || Message <- Messages >>,
    ok = inet:setopts(Socket, [{packet, raw}]),
    [ok = gen_tcp:send(Socket, <<Byte>>) || <<Byte>> <= Bytes],
    ok = inet:setopts(Socket, [{packet, list_to_integer(Packet)}]);
send(Socket, _, _, Messages) ->
    [ok = gen_tcp:send(Socket, Message) || Message <- Messages].

%% What gen_tcp itself makes of a message: sent to ourselves, and received raw.
encoded(Packet, Message) ->
    {ok, Listener} = gen_tcp:listen(0, options("0", "whole")),
    {ok, Port} = inet:port(Listener),
    {ok, Sender} = gen_tcp:connect("127.0.0.1", Port, options(Packet, "whole")),
    {ok, Receiver} = gen_tcp:accept(Listener),
    spawn_link(fun() -> ok = gen_tcp:send(Sender, Message) end),
    {ok, Bytes} = gen_tcp:recv(Receiver, list_to_integer(Packet) + byte_size(Message), ?TIMEOUT),
    [gen_tcp:close(Socket) || Socket <- [Sender, Receiver, Listener]],
    Bytes.

payload(0) -> <<>>;
payload(Size) -> << <<(I + I div 256 + Size)>> || I <- lists:seq(0, Size - 1) >>.
